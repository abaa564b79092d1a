import ContentCodings
import Locks
import NIOCore
package import StreamCore
package import StreamHTTP
import TextCodecs
package import Tracing

/// Stands before providers of language models: a streaming call becomes a stream, which the caller
/// follows as its response; everything else is passed on.
///
/// The call belongs to the stream and not to the connection it came by. It is made once, whoever leaves or comes back,
/// and it ends with the provider, with `Stream-Cancel`, or when nobody has read it for too long. What tasks share is
/// behind mutexes.
@available(freshet 0.1, *)
package final class Relay: Sendable {
    package static let answerPrefix = "relay/"
    static let metricsPrefix = StreamName.reservedPrefix + "relay/answer/"

    package let configuration: RelayConfiguration
    let streams: Streams
    let transports: [String: any UpstreamTransport]
    let ownKeys: [String: String]
    let time: any TimeSource
    let clock: any Clock<Duration>
    let index: ResponseIndex
    let log: ServerLog
    /// Makes a span of each call to an upstream; nil where nobody traces.
    let tracer: (any Tracer)?
    private let token: @Sendable () -> String

    private struct State {
        var running: [StreamName: (call: AnswerCall, task: Task<Void, Never>?)] = [:]
        /// Calls that have a key, by the name of its record, from before the record is written until they end.
        var keyed: [StreamName: AnswerCall] = [:]
        var totals = RelayMetrics()
        var isConcluding = false
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - transports: what calls each upstream, by its name.
    ///   - ownKeys: the server's own keys for those upstreams that have one, by their names.
    ///   - log: told of each answer, and of each call that failed.
    ///   - tracer: makes a span of each call to an upstream, whose context the upstream is told.
    ///   - token: gives the part of an answer's name that nobody can guess.
    package init(
        streams: Streams,
        configuration: RelayConfiguration,
        transports: [String: any UpstreamTransport],
        ownKeys: [String: String] = [:],
        time: any TimeSource = SystemTime(),
        clock: any Clock<Duration> = EventLoopClock(),
        log: ServerLog = .none,
        tracer: (any Tracer)? = nil,
        token: @escaping @Sendable () -> String = RandomToken.text
    ) {
        self.streams = streams
        self.configuration = configuration
        self.transports = transports
        self.ownKeys = ownKeys
        self.time = time
        self.clock = clock
        self.index = ResponseIndex(streams)
        self.log = log
        self.tracer = tracer
        self.token = token
        // Their libraries are looked for once: now, while there are file descriptors to load them with.
        for coding in ["br", "zstd"] { _ = Decompression.of(coding) }
    }

    /// What has been done and measured since the start.
    package var metrics: RelayMetrics {
        state.withLock { state in
            var totals = state.totals
            totals.running = state.running.count
            return totals
        }
    }

    /// Whether answers are being written.
    package var isBusy: Bool { state.withLock { !$0.running.isEmpty } }

    func count(_ body: @Sendable (inout RelayMetrics) -> Void) { state.withLock { body(&$0.totals) } }

    // MARK: A streaming call

    /// Begins an answer for a caller in this process, which reads its stream.
    package func start(_ asked: StreamingCall) async -> Result<StreamName, NoStream> {
        switch await begin(asked) {
        case .stream(let name, _, _, _): .success(name)
        case .response(let response): .failure(NoStream(response: response))
        case .passing(let taker):
            .failure(
                NoStream(
                    response: await taker.answer.collected(upTo: configuration.bodyBytes)
                        ?? Response(.unreachable(asked.upstream, "its response was cut or is too large"))
                )
            )
        }
    }

    /// The upstream, or the relay, answered with something other than a stream.
    package struct NoStream: Error {
        package var response: Response
    }

    /// Begins an answer, or finds the one that its key began, and returns when it is known how it began.
    func begin(_ asked: StreamingCall) async -> Begun {
        let record = asked.key.map { key in
            IdempotencyRecord.name(
                credential: asked.request.credential,
                route: asked.route,
                key: key
            )
        }
        let hash = await record == nil ? "" : bodyHash(asked.body)
        if let record, state.withLock({ $0.keyed[record] == nil }) {
            do throws(StoreError) {
                // Of a call that began while it was looked for the record does not say yet what it comes to: it is waited
                // for below, as any other that is running.
                if let found = try await find(record), state.withLock({ $0.keyed[record] == nil }) {
                    return await attach(to: found, record, hash, asked.early)
                }
            } catch {
                return .response(Response(.relayStore))
            }
        }
        let name = try! StreamName(Self.answerPrefix + token())  // hexadecimal digits after a fixed prefix
        let call = AnswerCall(
            name: name,
            of: asked,
            bodyHash: hash,
            record: record,
            time: time
        )
        switch enter(call, record) {
        case .refused(let problem): return .response(Response(problem))
        case .attached(let earlier):
            asked.body.drop()
            guard earlier.bodyHash == hash else { return .response(Response(.differentBody)) }
            count { $0.attached += 1 }
            let begun = await outcome(of: earlier, hash, isFirst: false, asked.early)
            // Measured is the socket of whoever began the answer: those of several, taken together, are none's.
            if case .stream(let name, let format, let fields, _) = begun { return .stream(name, format, fields, nil) }
            return begun
        case .entered:
            // Detached from the request: whoever asked may leave, and the answer is written all the same.
            let task = Task.detached { [self] in
                await run(asked, call, record)
                leave(call, record)
            }
            state.withLock { $0.running[name]?.task = task }
            return await outcome(of: call, hash, isFirst: true, asked.early)
        }
    }

    private func bodyHash(_ body: CallBody) async -> String {
        await LongWork.look(at: body.count) { IdempotencyRecord.hash(of: body.bytes) }
    }

    private enum Entry {
        case entered
        case attached(AnswerCall)
        case refused(Problem)
    }

    private func enter(_ call: AnswerCall, _ record: StreamName?) -> Entry {
        state.withLock { state in
            if let record, let earlier = state.keyed[record] { return .attached(earlier) }
            guard !state.isConcluding else { return .refused(.relayDraining) }
            guard state.running.count < configuration.runningAnswers else {
                return .refused(.tooManyRunning(configuration.runningAnswers))
            }
            state.running[call.name] = (call, nil)
            if let record { state.keyed[record] = call }
            return .entered
        }
    }

    private func leave(_ call: AnswerCall, _ record: StreamName?) {
        state.withLock { state in
            state.running[call.name] = nil
            if let record, state.keyed[record] === call { state.keyed[record] = nil }
        }
        call.over.open()
    }

    private func outcome(of call: AnswerCall, _ hash: String, isFirst: Bool, _ early: Duration) async -> Begun {
        let start: AnswerCall.Start?
        if early == .zero {
            start = await call.started()
        } else if let wait = await started(call, isFirst: isFirst, within: early) {
            start = wait
        } else if Task.isCancelled {
            start = nil
        } else {
            return .stream(call.name, call.format, configuration.responseFields.ofStream([]), isFirst ? call : nil)
        }
        switch start {
        case .passing(let answer) where isFirst: return .passing(PassedAnswerTaker(answer))
        // It goes to one caller while it arrives, and to others as it is remembered.
        case .passing: return await remembered(call, hash)
        case .streaming(let fields): return .stream(call.name, call.format, fields, call)
        case .responded(let response): return .response(response)
        case .found(let found): return await attach(to: found, call.record, hash, early)
        case nil: return whoLeft(call, isFirst: isFirst)
        }
    }

    /// How the call began; nil when that is not known in time, and the caller is to be given a head, and when it has
    /// left.
    private func started(_ call: AnswerCall, isFirst: Bool, within early: Duration) async -> AnswerCall.Start? {
        enum Came: Sendable {
            case start(AnswerCall.Start?)
            case time
        }
        return await withTaskGroup(of: Came.self) { group in
            defer { group.cancelAll() }
            group.addTask { .start(await call.started()) }
            group.addTask {
                try? await self.clock.sleep(for: early)
                return .time
            }
            for await came in group {
                switch came {
                case .start(let start): return start
                case .time: if !Task.isCancelled, call.beginEarly(isFirst: isFirst) { return nil }
                }
            }
            return nil
        }
    }

    /// Whoever asked has left, and nobody is told this.
    private func whoLeft(_ call: AnswerCall, isFirst: Bool) -> Begun {
        if isFirst { call.left() }
        return .response(Response(499))
    }

    /// The key is free again: the next call with it calls the upstream.
    func release(_ record: StreamName, _ call: AnswerCall) async {
        _ = try? await streams.remove(record, born: call.recordBirth)
        state.withLock { if $0.keyed[record] === call { $0.keyed[record] = nil } }
    }

    // MARK: The server comes and goes

    /// Ends the answers that the last process left in the middle: it knows that it lost their calls. Where nodes share the
    /// store, the store ends those of a node that is gone, and the others are being written.
    package func recover() async throws(StoreError) {
        guard !streams.isShared else { return }
        var last: String?
        while true {
            let page = try await streams.list(prefix: Self.answerPrefix, after: last, limit: 1000)
            for info in page where info.end == nil && Self.isAnswer(info.name) {
                let end = EndRequest(.failed, detail: RelayFailure.interrupted.rawValue)
                _ = try await streams.append(info.name, AppendRequest(end: end))
            }
            guard page.count == 1000, let name = page.last?.name.text else { return }
            last = name
        }
    }

    /// Whether a stream is, or could be, an answer: by its name.
    package static func isAnswer(_ name: StreamName) -> Bool {
        guard name.text.utf8.starts(with: answerPrefix.utf8) else { return false }
        let token = name.text.utf8.dropFirst(answerPrefix.utf8.count)
        return token.count == 32
            && token.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
            }
    }

    /// The server goes: what is still being written is interrupted, and says so.
    package func conclude() async {
        let running = state.withLock { state in
            state.isConcluding = true
            return Array(state.running.values)
        }
        for (call, task) in running {
            let end = EndRequest(.failed, detail: RelayFailure.interrupted.rawValue)
            _ = try? await streams.append(call.name, AppendRequest(end: end))
            task?.cancel()
        }
        for (_, task) in running { await task?.value }
    }

    // MARK: What was measured

    /// What was measured of an answer, as `Relay-Metrics` says it; nil for a stream that is none.
    package func measured(_ name: StreamName) async -> String? {
        if let call = state.withLock({ $0.running[name]?.call }) { return call.metrics.text }
        guard Self.isAnswer(name), let kept = Self.metricsName(of: name),
            let page = try? await streams.read(kept, from: .start)
        else { return nil }
        return page.events.last.map { String(decoding: $0.body.data, as: UTF8.self) }
    }

    static func metricsName(of answer: StreamName) -> StreamName? {
        try? StreamName(metricsPrefix + answer.text.dropFirst(answerPrefix.count))
    }
}
