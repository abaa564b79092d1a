import AsyncHTTPClient
import FreshetServer
import NIOCore
import NIOHTTP1
import TextCodecs

#if !AsyncHTTPClient
#error("This needs the trait AsyncHTTPClient of the package freshet. It is on unless `traits` leaves it out.")
#endif

/// Fetches a key set: one answer of bounded size, in bounded time, from the URL itself.
@available(freshet 0.1, *)
struct KeySetDownload: Sendable {
    static let mostBytes = 1 << 20
    static let mostTime = Duration.seconds(5)

    let client: HTTPClient
    let url: String

    /// The key set, and in how many seconds it is stale, if the answer says that.
    func get() async throws -> (body: [UInt8], maximumAge: Int?) {
        try await withThrowingTaskGroup(of: (body: [UInt8], maximumAge: Int?).self) { group in
            group.addTask { try await answer() }
            group.addTask {
                try await Task.sleep(for: Self.mostTime)
                throw KeysTrouble(
                    place: url,
                    reason: "it did not answer in whole within \(Self.mostTime.components.seconds) s"
                )
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { preconditionFailure("two tasks were added") }
            return first
        }
    }

    private func answer() async throws -> (body: [UInt8], maximumAge: Int?) {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/jwk-set+json, application/json")
        request.headers.add(name: "User-Agent", value: "freshet/\(FreshetVersion.number)")
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: .seconds(5))
        } catch {
            throw KeysTrouble(place: url, reason: "it cannot be reached: \(error)")
        }
        guard response.status == .ok else {
            throw KeysTrouble(place: url, reason: "it answers \(response.status.code), not 200")
        }
        let type = (response.headers.first(name: "Content-Type") ?? "").prefix { $0 != ";" }.trimmingBlanks()
            .lowercased()
        guard type == "application/json" || type.hasSuffix("+json") else {
            throw KeysTrouble(place: url, reason: "it answers with \(type.isEmpty ? "no type" : type), not with JSON")
        }
        var body: [UInt8] = []
        for try await var part in response.body {
            guard body.count + part.readableBytes <= Self.mostBytes else {
                throw KeysTrouble(place: url, reason: "its answer is larger than \(Self.mostBytes) bytes")
            }
            body += part.readBytes(length: part.readableBytes) ?? []
        }
        return (body, Self.maximumAge(response.headers[canonicalForm: "Cache-Control"].map(String.init)))
    }

    /// `max-age` (RFC 9111, section 5.2.2.1), and 0 for what may not be kept.
    static func maximumAge(_ directives: [String]) -> Int? {
        var age: Int?
        for directive in directives {
            let directive = directive.trimmingBlanks().lowercased()
            if directive == "no-store" || directive == "no-cache" { return 0 }
            if directive.hasPrefix("max-age="), let seconds = Int(directive.dropFirst("max-age=".count)), seconds >= 0 {
                age = min(age ?? seconds, seconds)
            }
        }
        return age
    }
}
