import EventSource
import NIOHTTP1

/// The requests of a library over the client of these commands: its key, its authorities, its words for what goes
/// wrong. A response comes whole.
@available(freshet 0.1, *)
struct ClientTransport: EventSourceTransport {
    let client: StreamClient

    func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<AsyncStream<[UInt8]>> {
        // The client adds its own.
        let headers = request.headers.filter { $0.name != "Accept-Encoding" }
        let response: ServerResponse
        do {
            response = try await client.send(
                HTTPMethod(rawValue: request.method),
                request.url,
                headers: headers.map { ($0.name, $0.value) },
                body: request.body
            )
        } catch let error as StreamClient.Unreachable {
            throw EventSourceTransportError(error.description)
        }
        let (body, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        if !response.body.isEmpty { continuation.yield(response.body) }
        continuation.finish()
        return EventSourceResponse(
            status: response.status,
            headers: response.headers.map { (name: $0.name, value: $0.value) },
            body: body
        )
    }
}
