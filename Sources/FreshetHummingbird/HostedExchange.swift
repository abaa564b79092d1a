import Freshet
import FreshetServer
import HTTPTypes
import Hummingbird
import NIOCore
import StreamHTTP

/// One request of a Hummingbird application for streams: planned by Freshet's routes, carried out over Hummingbird's
/// body and writer.
struct HostedExchange: Sendable {
    let host: HummingbirdStreams
    let request: Request
    let address: String

    func answer(_ decision: AccessDecision) async throws -> Hummingbird.Response {
        let head = StreamHTTP.RequestHead(request.head)
        let facts = ConnectionFacts(
            address: address,
            refusal: nil,
            isDraining: host.planes.isDraining
        )
        let plan = host.responder.plan(for: head, facts, of: decision.verdict ?? .failure(.noKey()))
        switch plan {
        case .answer(let response): return Hummingbird.Response(response)
        case .act(let act):
            guard head.body == .none else {
                return Hummingbird.Response(host.responder.answer(to: .bodyNotExpected, head: head))
            }
            return await reply(await act())
        case .collect(let limit, let refusal, let act):
            // Who waits for a word before sending the body is answered at once where that is possible.
            if request.headers[.expect] != nil, let refusal = await refusal() { return Hummingbird.Response(refusal) }
            do {
                let body = try await request.body.collect(upTo: limit)
                return await reply(await act(Array(body.readableBytesView)))
            } catch is NIOTooManyBytesError {
                return Hummingbird.Response(host.responder.answer(to: .bodyTooLarge(limit: limit), head: head))
            }
        case .live(let plan):
            guard let response = await host.planes.live(plan, body: request.body) else { throw CancellationError() }
            // A refusal may leave a part of the body unread.
            return response.status < 400 ? Hummingbird.Response(response) : lastOfItsConnection(response)
        case .exchange, .later: preconditionFailure("the routes of streams have no such plans")
        }
    }

    private func reply(_ reply: Reply) async -> Hummingbird.Response {
        switch reply {
        case .response(let response): return Hummingbird.Response(response)
        case .subscribe(let plan):
            let place = HeldPlace(of: plan, host.held)
            return Hummingbird.Response(
                status: .ok,
                headers: HTTPFields(plan.headers) + closing,
                body: ResponseBody { writer in
                    place.takeOver()
                    try await read(plan, &writer)
                }
            )
        case .wait(let plan):
            let planes = host.planes
            let answer = try? await whileConnected { await planes.wait(plan) }
            guard let answer = answer ?? nil else { return Hummingbird.Response(status: .serviceUnavailable) }
            return lastOfItsConnection(answer)
        case .exchange, .pending: preconditionFailure("the routes of streams have no such replies")
        }
    }

    /// Hummingbird closes an HTTP/1 connection after a request whose body it watched for the peer to leave, and does not
    /// say so: a client that sends its next request there would lose it.
    ///
    /// HTTP/2 forbids the field; Hummingbird's scheme of a request over HTTP/1 is always `http`.
    private var closing: HTTPFields {
        request.head.scheme == "http" && Self.canBeWatched(request.body) ? [.connection: "close"] : [:]
    }

    private func lastOfItsConnection(_ response: StreamHTTP.Response) -> Hummingbird.Response {
        var response = Hummingbird.Response(response)
        response.headers.append(contentsOf: closing)
        return response
    }

    /// Hands a read over to a subscriber, and writes what that makes until it is complete or the peer has gone.
    private func read(_ plan: SubscriptionPlan, _ writer: inout any ResponseBodyWriter) async throws {
        let pipe = await host.planes.subscribe(plan)
        defer { pipe.leave() }
        let outlet = Outlet(writer: writer)
        try await whileConnected {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let buffers = try await pipe.next() { try await outlet.write(buffers) }
                    try await outlet.finish()
                }
                // A write that waits for a peer which takes nothing ends when the reader is given up.
                group.addTask { try await pipe.watch() }
                try await group.next()
                try await group.next()
            }
        }
    }

    /// Runs something that is cancelled as soon as the peer leaves.
    private func whileConnected<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard Self.canBeWatched(request.body) else { return try await body() }
        return try await request.body.consumeWithCancellationOnInboundClose { _ in try await body() }
    }

    /// Whether the body is the connection's own. Hummingbird traps when it is told to watch any other, such as that of
    /// a request which a middleware or a test made itself; its peer is then known to have left by a write that fails.
    private static func canBeWatched(_ body: RequestBody) -> Bool {
        guard let backing = Mirror(reflecting: body).children.first(where: { $0.label == "_backing" })?.value,
            let associated = Mirror(reflecting: backing).children.first
        else { return false }
        if associated.label == "nioAsyncChannelRequestBody" { return true }
        // The body that took its place, and the connection's, if it is known.
        guard let original = Mirror(reflecting: associated.value).children.dropFirst().first?.value else {
            return false
        }
        return Mirror(reflecting: original).displayStyle == .optional && !Mirror(reflecting: original).children.isEmpty
    }
}

/// Hummingbird's writer, in the hands of the one task that writes.
///
/// Unchecked: a writer is used by whoever was given it, and that is the body's closure, which does nothing with it while
/// the task runs that it has handed it to.
private final class Outlet: @unchecked Sendable {
    private var writer: any ResponseBodyWriter

    init(writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    func write(_ buffers: [ByteBuffer]) async throws {
        if buffers.count == 1 {
            try await writer.write(buffers[0])
        } else {
            try await writer.write(contentsOf: buffers)
        }
    }

    func finish() async throws { try await writer.finish(nil) }
}
