import Locks
import NIOCore
import StreamCore
import StreamHTTP

/// What an upstream answers to a streaming call, with status 200, and does not call a stream of events.
@available(freshet 0.1, *)
extension Relay {
    /// Finds out by its first bytes whether it is one all the same.
    func look(
        at reply: UpstreamResponse,
        _ watch: SilenceWatch,
        _ call: AnswerCall,
        _ producer: StreamingProducer,
        _ record: StreamName?
    ) async throws {
        let pipe = BodyPipe()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer {
                pipe.abandon()
                group.cancelAll()
            }
            group.addTask {
                do {
                    try await watch.during {
                        try await reply.body { piece in
                            guard await pipe.put(piece) else { throw CancellationError() }
                        }
                    }
                    pipe.finish(.success(()))
                } catch {
                    pipe.finish(.failure(error))
                }
            }
            let (opening, held) = try await BodyOpening.look(at: pipe, clock: clock)
            let whole = UpstreamResponse(status: reply.status, headers: reply.headers) { take in
                for piece in held { try await take(piece) }
                while let piece = try await pipe.next() { try await take(piece) }
            }
            if opening == .events {
                await begin(whole, watch, call, producer)
            } else {
                try await pass(whole, watch, call, producer, record)
            }
        }
    }

    /// Passes it on while it arrives. A key remembers it, and then it is taken to its end whoever leaves.
    func pass(
        _ reply: UpstreamResponse,
        _ watch: SilenceWatch,
        _ call: AnswerCall,
        _ producer: StreamingProducer,
        _ record: StreamName?
    ) async throws {
        // Stopped before, although it came all the same.
        guard producer.stop == nil else { return }
        let answer = PassedAnswer(
            status: reply.status,
            fields: configuration.responseFields.ofPassed(reply.headers),
            length: reply.header("Content-Length").flatMap { Int($0) }
        )
        let recorder = record.map {
            PassedAnswerRecorder($0, call.recordBirth, streams, limit: configuration.bodyBytes)
        }
        count { $0.refused += 1 }
        await recorder?.begin(answer)
        call.begin(.passing(answer))
        var failure = RelayFailure.noStream
        do {
            try await watch.during {
                try await reply.body { piece in
                    watch.spoke(bytes: piece.countOfSigns)
                    let isTaken = await answer.pipe.put(piece)
                    await recorder?.received(piece)
                    if !isTaken, recorder == nil { throw CancellationError() }
                }
            }
            await recorder?.end()
            answer.pipe.finish(.success(()))
        } catch {
            if watch.isOver { failure = .silent }
            answer.pipe.finish(.failure(error))
        }
        await end(producer, EndRequest(.failed, detail: failure.rawValue))
    }
}

/// Keeps what is passed on in the record of its key, while it arrives.
@available(freshet 0.1, *)
private final class PassedAnswerRecorder: Sendable {
    private let record: StreamName
    private let birth: Offset?
    private let streams: Streams
    private let limit: Int
    private let state = Mutex((waiting: [UInt8](), bytes: 0, isWhole: true))

    /// Bytes of one event of the record.
    private static let part = 64 << 10

    init(_ record: StreamName, _ birth: Offset?, _ streams: Streams, limit: Int) {
        self.record = record
        self.birth = birth
        self.streams = streams
        self.limit = limit
    }

    func begin(_ answer: PassedAnswer) async {
        await keep([IdempotencyRecord.head(status: answer.status, fields: answer.fields, isPassed: true)])
    }

    func received(_ piece: ByteBuffer) async {
        let part = state.withLock { state -> [UInt8] in
            state.bytes += piece.readableBytes
            // More than is remembered: then a key finds that there was no stream, and nothing is called again.
            guard state.isWhole, state.bytes <= limit else {
                state.isWhole = false
                return []
            }
            state.waiting.append(contentsOf: piece.readableBytesView)
            guard state.waiting.count >= Self.part else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        if !part.isEmpty { await keep([EventBody(data: part)]) }
    }

    func end() async {
        let (rest, isWhole) = state.withLock { ($0.waiting, $0.isWhole) }
        guard isWhole else { return }
        await keep(rest.isEmpty ? [IdempotencyRecord.whole] : [EventBody(data: rest), IdempotencyRecord.whole])
    }

    private func keep(_ events: EventBatch) async {
        guard state.withLock(\.isWhole) else { return }
        do {
            _ = try await streams.append(record, AppendRequest(to: birth, events: events))
        } catch {
            state.withLock { $0.isWhole = false }
        }
    }
}
