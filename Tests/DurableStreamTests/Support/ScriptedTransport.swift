import EventSource
import Locks

/// Answers each request by a rule of the test, and keeps the requests.
final class ScriptedTransport: EventSourceTransport {
    typealias Body = AsyncThrowingStream<[UInt8], any Error>
    typealias Response = EventSourceResponse<Body>

    private let sent = Mutex<[EventSourceRequest]>([])
    private let answer: @Sendable (Int, EventSourceRequest) async throws -> Response

    init(_ answer: @escaping @Sendable (Int, EventSourceRequest) async throws -> Response) {
        self.answer = answer
    }

    var requests: [EventSourceRequest] { sent.withLock { $0 } }
    /// What each URL has behind the stream's own.
    var queries: [String] { requests.map { String($0.url.drop { $0 != "?" }.dropFirst()) } }

    func send(_ request: EventSourceRequest) async throws -> Response {
        let index = sent.withLock { sent in
            sent.append(request)
            return sent.count - 1
        }
        return try await answer(index, request)
    }

    /// A response whose body comes in these pieces, and then ends, breaks or, with neither, stays.
    static func response(
        _ status: Int,
        _ headers: KeyValuePairs<String, String> = [:],
        _ pieces: [String] = [],
        end: Result<Void, any Error>? = .success(())
    ) -> Response {
        let (body, continuation) = Body.makeStream()
        for piece in pieces { continuation.yield(Array(piece.utf8)) }
        switch end {
        case .success: continuation.finish()
        case .failure(let error): continuation.finish(throwing: error)
        case nil: break
        }
        return Response(status: status, headers: headers.map { (name: $0.key, value: $0.value) }, body: body)
    }

    /// Waits until its task is cancelled, and throws.
    static func never() async throws -> Response {
        let (never, teller) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        withExtendedLifetime(teller) {}
        throw CancellationError()
    }
}

/// The connection was lost.
let cut = EventSourceTransportError("cut")

extension EventSourceRequest {
    /// The value of its field of a name.
    func field(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var text: String { String(decoding: body ?? [], as: UTF8.self) }
}
