import AsyncHTTPClient
import EventSource
import Locks
import NIOHTTP1
import StreamCore
import TextCodecs

/// The streams of a run: it makes them, and deletes those that it made, and no others.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class BenchStreams: Sendable {
    /// Should this program be killed, the server deletes what nobody uses for so long, in seconds.
    static let ttl = 900
    /// Requests at a time.
    private static let lanes = 32

    private struct State {
        var made: [String] = []
    }

    /// The server's origin, without a slash at the end.
    let server: String
    /// What all names begin with.
    let prefix: String
    private let client: StreamClient
    private let state = Mutex(State())

    /// - Parameter prefix: The name of a run's only stream, and what those of several begin with; nil for a random one.
    init(server: String, prefix: String?, client: StreamClient) {
        self.server = server
        self.prefix = prefix ?? "bench/" + RandomToken.text()
        self.client = client
    }

    /// The headers that say who asks.
    var authorization: [(String, String)] { client.authorization }

    /// Where a stream of the run is.
    func url(_ number: Int, of count: Int) -> String {
        let name = count == 1 ? prefix : "\(prefix)/\(number)"
        return server + "/v1/stream/" + PercentEncoding.encode(name, keeping: .unreservedAndSlash)
    }

    /// Makes so many streams of lines of JSON.
    ///
    /// - Throws: ``BenchFailure`` when one cannot be made, or is there already.
    func make(_ count: Int) async throws {
        _ = try await each(Array(0..<count)) { number in
            let url = self.url(number, of: count)
            try Task.checkCancellation()
            // Whoever interrupts the run does not interrupt this: a stream that is made is one to be deleted.
            try await Task { try await self.make(url) }.value
        }
    }

    private func make(_ url: String) async throws {
        let headers = [("Content-Type", "application/x-ndjson"), ("Stream-TTL", "\(Self.ttl)")]
        let response = try await client.send(.PUT, url, headers: headers)
        switch response.status {
        case 201 where response.isFreshets: note(url)
        case 201: throw BenchFailure("\(url): something that is no Freshet server answers there")
        case 200, 409: throw BenchFailure("\(url) is there already, and only streams that the run made are used")
        default: throw BenchFailure("\(url) cannot be made: \(response.problem)")
        }
    }

    /// A stream that the server made for a request of the run.
    func note(_ url: String) { state.withLock { $0.made.append(url) } }

    /// Appends to a stream of the run before it is measured.
    func fill(_ url: String, _ body: [UInt8], headers: [(String, String)] = []) async throws {
        let type = body.isEmpty ? [] : [("Content-Type", "application/x-ndjson")]
        let response = try await client.send(.POST, url, headers: type + headers, body: body)
        guard (200..<300).contains(response.status) else {
            throw BenchFailure("\(url) cannot be filled: \(response.problem)")
        }
    }

    /// Deletes all that the run made, whatever became of it.
    ///
    /// - Returns: How many could not be deleted, and why the last of them.
    func delete() async -> (left: Int, why: String?) {
        let urls = state.withLock { state in
            defer { state.made = [] }
            return state.made
        }
        let problems = try? await each(urls) { url -> String? in
            do {
                let response = try await self.client.send(.DELETE, url, timeout: .seconds(10))
                return [204, 404].contains(response.status) ? nil : response.problem
            } catch {
                return "\(error)"
            }
        }.compactMap { $0 }
        return (problems?.count ?? 0, problems?.last)
    }

    /// Does something with each, a few at a time; the first trouble ends it.
    private func each<Item: Sendable, Made: Sendable>(
        _ items: [Item],
        _ work: @escaping @Sendable (Item) async throws -> Made
    ) async throws -> [Made] {
        try await withThrowingTaskGroup(of: Made.self) { group in
            var rest = items[...]
            for item in rest.prefix(Self.lanes) { group.addTask { try await work(item) } }
            rest = rest.dropFirst(Self.lanes)
            var made: [Made] = []
            while let one = try await group.next() {
                made.append(one)
                if let item = rest.popFirst() { group.addTask { try await work(item) } }
            }
            return made
        }
    }
}
