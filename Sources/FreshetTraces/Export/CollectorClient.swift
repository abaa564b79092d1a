import AsyncHTTPClient
import EventSource
import NIOCore
import NIOHTTP1
import TextCodecs

/// Calls a collector over HTTP.
@available(freshet 0.1, *)
struct CollectorClient: Sendable {
    /// What OTLP's exporters wait for an answer.
    static let mostTime = TimeAmount.seconds(10)
    /// What is read of an answer.
    private static let mostBytes = 64 * 1024

    private let client: HTTPClient
    private let url: String

    init(url: String) {
        self.url = url
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: Self.mostTime),
            decompression: .disabled
        )
        // A collector that is not there is known at once; when it is asked again is not the client's business.
        configuration.connectionPool.retryConnectionEstablishment = false
        // What is exported is not traced: that would be exported too.
        configuration.tracing.tracer = nil
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func end() async { try? await client.shutdown() }

    func answer(to body: [UInt8], _ fields: CollectorFields) async -> CollectorAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for field in fields.fields { request.headers.add(name: field.name, value: field.value) }
        request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await client.execute(request, timeout: Self.mostTime)
            // It may go on behind what is looked at.
            let bytes = (try? await response.body.collect(upTo: Self.mostBytes)).map { Array($0.readableBytesView) }
            let partial = bytes.flatMap { JSONSlice($0)["partialSuccess"] }
            return CollectorAnswer(
                status: Int(response.status.code),
                retryAfter: response.headers.first(name: "Retry-After"),
                rejected: Self.count(partial?["rejectedSpans"])
            )
        } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
            return .again(after: nil, "no answer within \(Self.mostTime.nanoseconds / 1_000_000_000) s")
        } catch {
            return .again(after: nil, TransportTrouble.describe(error))
        }
    }

    /// An int64, which is a string in the JSON of protocol buffers, and may be a number.
    private static func count(_ value: JSONSlice?) -> Int {
        guard let count = value?.string.flatMap({ Int($0) }) ?? value?.integer, count > 0 else { return 0 }
        return min(count, SpanQueue.batch)
    }
}
