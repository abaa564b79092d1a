import Freshet
import FreshetServer
import HTTPTypes
import Hummingbird
import NIOCore
import StreamHTTP

/// One request of a Hummingbird application for streams: its body goes into a `RequestRun`, whose response becomes
/// Hummingbird's.
@available(freshet 0.1, *)
struct HummingbirdExchange: Sendable {
    let host: HummingbirdStreams
    let request: Request
    let address: String

    /// - Parameters:
    ///   - decision: what the application said of the request.
    ///   - round: the round of asking that was there before.
    ///   - again: asks it once more.
    func response(
        _ decision: AccessDecision,
        since round: Int,
        again: @escaping @Sendable () async throws -> AccessDecision
    ) async throws -> Hummingbird.Response {
        let sink = try await begin(decision.verdict, round, again)
        var outcome = await withTaskGroup(of: Void.self) { group in
            if sink.hasBody { group.addTask { await sink.feed(request.body) } }
            var outcome = await sink.outcome()
            // The peer of a request with a body is seen to leave by that.
            while sink.hasBody, case .waits = outcome { outcome = await sink.outcome() }
            // What is left of the body is nobody's any more.
            group.cancelAll()
            return outcome
        }
        var isLast = false
        if case .waits = outcome {
            isLast = true
            outcome = (try? await whileConnected { await sink.outcome() }) ?? .none
        }
        switch outcome {
        case .waits, .none: return Hummingbird.Response(status: .serviceUnavailable)
        case .whole(let response, let leavesBody):
            var response = Hummingbird.Response(response)
            if isLast || leavesBody { response.headers.append(contentsOf: closing) }
            return response
        case .open(let head):
            return Hummingbird.Response(
                status: HTTPResponse.Status(code: head.status),
                headers: HTTPFields(head.headers) + closing,
                body: ResponseBody(contentLength: head.length) { writer in try await write(sink.pipe, &writer) }
            )
        }
    }

    /// - Parameter identity: who asks; nil for tokens to say.
    private func begin(
        _ identity: Result<Admission, Problem>?,
        _ round: Int,
        _ again: @escaping @Sendable () async throws -> AccessDecision
    ) async throws -> Way {
        let head = StreamHTTP.RequestHead(request.head)
        let loop = await host.loops.next()
        let eventLoop = loop.eventLoop
        let pipe = ResponsePipe()
        let sink = try await eventLoop.submit { [host, address] in
            let facts = ConnectionFacts(address: address, refusal: nil, isDraining: loop.value.isDraining)
            let sink = HummingbirdSink(head, from: address, on: loop.value, pipe: pipe)
            let plan = host.responder.plan(for: head, facts, of: identity, since: round) {
                do {
                    return try await again().verdict
                } catch {
                    host.askingFailed(error)
                    return .failure(Problem(RequestFailure.broken))
                }
            }
            sink.start(plan, on: eventLoop)
            return NIOLoopBound(sink, eventLoop: eventLoop)
        }.get()
        return Way(sink: sink, pipe: pipe, hasBody: head.body != .none)
    }

    /// Hummingbird closes an HTTP/1 connection after a request whose body it watched for the peer to leave, and does
    /// not say so: a client that sends its next request there would lose it.
    ///
    /// HTTP/2 forbids the field, with TLS and without; Hummingbird's scheme of a request over HTTP/1 is always `http`.
    private var closing: HTTPFields {
        request.head.scheme == "http" && !host.isPlaintextHTTP2 ? [.connection: "close"] : [:]
    }

    /// Writes what the pipe gives until that is complete, or the peer has gone.
    private func write(_ pipe: ResponsePipe, _ writer: inout any ResponseBodyWriter) async throws {
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
        try await request.body.consumeWithCancellationOnInboundClose { _ in try await body() }
    }
}

/// A sink, in the hands of the tasks of its request. A response that nobody wants any more, because a middleware
/// dropped it or the peer has gone before its body was asked for, is one whose reader has left.
@available(freshet 0.1, *)
private final class Way: Sendable {
    let pipe: ResponsePipe
    let hasBody: Bool
    private let sink: NIOLoopBound<HummingbirdSink>

    init(sink: NIOLoopBound<HummingbirdSink>, pipe: ResponsePipe, hasBody: Bool) {
        self.sink = sink
        self.pipe = pipe
        self.hasBody = hasBody
    }

    deinit { sink.eventLoop.execute { [sink] in sink.value.left() } }

    func outcome() async -> HummingbirdSink.Outcome {
        let sink = sink
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                sink.eventLoop.execute { sink.value.whenResponded(continuation) }
            }
        } onCancel: {
            sink.eventLoop.execute { sink.value.left() }
        }
    }

    func feed(_ body: RequestBody) async {
        let sink = sink
        do {
            guard await isWanted() else { return }
            for try await part in body {
                sink.eventLoop.execute { sink.value.received(part) }
                guard await isWanted() else { return }
            }
            // A cancelled iterator ends as a whole body does.
            let isWhole = !Task.isCancelled
            sink.eventLoop.execute { sink.value.bodyEnded(isWhole: isWhole) }
        } catch {
            sink.eventLoop.execute { sink.value.bodyEnded(isWhole: false) }
        }
    }

    private func isWanted() async -> Bool {
        let sink = sink
        return await withCheckedContinuation { continuation in
            sink.eventLoop.execute { sink.value.whenBodyIsWanted(continuation) }
        }
    }
}

/// Hummingbird's writer, in the hands of the one task that writes.
///
/// Unchecked: a writer is used by whoever was given it, and that is the body's closure, which does nothing with it
/// while the task runs that it has handed it to.
@available(freshet 0.1, *)
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
