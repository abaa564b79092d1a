import Locks
import NIOCore
import NIOEmbedded
import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer
@testable import StreamHTTP

/// The event loop of these tests hears nothing until it is run: what the store told it waits, as on a busy server.
@Suite("Answers follow the store's order, whatever the loop has heard", .timeLimit(.minutes(10)))
struct LoopOrderTests {
    enum Stop: CaseIterable, Sendable {
        case cancel, end, delete, expire, takeover

        func happen(at desk: Desk) async throws {
            switch self {
            case .cancel: try await desk.cancel()
            case .end: try await desk.ask(.POST, "", [("Stream-Closed", "true"), ("Stream-End-Reason", "failed")])
            case .delete: try await desk.ask(.DELETE)
            case .expire: _ = try await desk.store.remove(desk.name, because: .expired, born: nil)
            case .takeover:
                let newer = try await desk.streams.openProducer(desk.name, label: "p") { _ in }
                #expect(newer != nil)
            }
        }

        func isTold(in answer: Desk.Told) -> Bool {
            switch self {
            case .cancel: answer.status == 409 && answer.isProblem("stream-ended") && answer.reason == "cancelled"
            case .end: answer.status == 409 && answer.isProblem("stream-ended") && answer.reason == "failed"
            case .delete, .expire: answer.status == 404
            case .takeover: answer.status == 409 && answer.isProblem("producer-replaced")
            }
        }
    }

    /// How far the body had come when the other side's step was done.
    enum Progress: CaseIterable, Sendable {
        case nothing
        /// A piece is kept, and the loop has heard of it.
        case kept
        /// A piece is kept, and the loop has not heard of it where the store answers from elsewhere.
        case keptUnheard
        /// A piece is unfinished.
        case begun
    }

    @Test(
        "a streaming body that ends cleanly after its stream was stopped is told so",
        arguments: Keeping.allCases,
        Progress.allCases
    )
    func cleanEnd(keeping: Keeping, progress: Progress) async throws {
        for stop in Stop.allCases {
            for closes in [false, true] {
                try await Desk.run(keeping) { desk in
                    let body = try await StreamedBody(desk, closes: closes)
                    try await body.bring(to: progress)
                    try await stop.happen(at: desk)
                    await body.end()
                    let answer = await body.response()
                    #expect(stop.isTold(in: answer), "\(stop), \(closes ? "closing" : "open"): \(answer)")
                    if progress == .kept || progress == .keptUnheard {
                        #expect(answer["Stream-Next-Offset"] == body.kept?.text)
                    }
                }
            }
        }
    }

    @Test("so is one with a bad piece, and one that the server's deadline ends", arguments: Keeping.allCases)
    func otherEnds(keeping: Keeping) async throws {
        for isBad in [true, false] {
            try await Desk.run(keeping) { desk in
                let body = try await StreamedBody(desk, closes: false)
                try await body.bring(to: .kept)
                try await desk.cancel()
                if isBad { await body.send("event: end\ndata: x\n\n") } else { await body.drain() }
                let answer = await body.response()
                #expect(Stop.cancel.isTold(in: answer), "\(answer)")
            }
        }
    }

    @Test(
        "a streaming body that is opened while its stream is stopped is told so, and asked for nothing",
        arguments: Keeping.allCases
    )
    func opening(keeping: Keeping) async throws {
        try await Desk.run(keeping) { desk in
            // The request is on its way into the stream, and has not looked at it yet.
            desk.store.before(.info) { try await desk.cancel() }
            let body = try await StreamedBody(desk, closes: false)
            #expect(Stop.cancel.isTold(in: await body.response()))
            #expect(!body.wasWanted && desk.store.unfinished.isEmpty)
        }
    }

    @Test("nothing is said of a stop that did not happen", arguments: Keeping.allCases)
    func undisturbed(keeping: Keeping) async throws {
        for progress in Progress.allCases {
            try await Desk.run(keeping) { desk in
                let body = try await StreamedBody(desk, closes: false)
                try await body.bring(to: progress)
                await body.end()
                let answer = await body.response()
                #expect(answer.status == 204 && answer.reason == nil)
            }
        }
    }

    @Test("a long-poll that has waited long enough tells what its loop has not heard of", arguments: Keeping.allCases)
    func longPoll(keeping: Keeping) async throws {
        for isEnd in [true, false] {
            try await Desk.run(keeping) { desk in
                try await desk.ask(.PUT, "", [("Content-Type", "text/plain")])
                guard case .wait(let plan) = await desk.reply(.GET, "?live=long-poll&offset=now") else {
                    throw UnexpectedOutcome("it does not wait")
                }
                let loop = NIOAsyncTestingEventLoop()
                let told = Mutex<Response?>(nil)
                let plane = NIOLoopBoundBox.makeEmptyBox(valueType: LoopPlane.self, eventLoop: loop)
                let poll = NIOLoopBoundBox.makeEmptyBox(valueType: LongPoll.self, eventLoop: loop)
                try await loop.executeInContext {
                    let held = HeldReaders(names: 1, readers: 1)
                    let made = LoopPlane(
                        eventLoop: loop,
                        streams: desk.streams,
                        configuration: DataPlaneConfiguration(ServerConfiguration()),
                        held: held
                    )
                    made.start()
                    plane.value = made
                    poll.value = LongPoll(plan: plan, address: "", plane: made) { response in
                        told.withLock { $0 = response }
                    }
                    poll.value?.open()
                }
                if isEnd {
                    try await desk.cancel()
                } else {
                    try await desk.ask(.POST, "", [("Content-Type", "text/plain")], body: "news")
                }
                try await loop.executeInContext { poll.value?.giveUp() }
                while told.withLock({ $0 == nil }) { await loop.run() }
                let response = told.withLock { $0 }
                let answer = Desk.Told(try #require(response))
                #expect(isEnd ? answer.status == 204 && answer.reason == "cancelled" : answer.text == "news")
                try await loop.executeInContext {
                    plane.value = nil; poll.value = nil
                }
            }
        }
    }
}

/// A streaming append to the stream of a desk, on a loop that is run when the test says so.
private final class StreamedBody: Sendable {
    private let desk: Desk
    private let loop = NIOAsyncTestingEventLoop()
    private let streaming: NIOLoopBoundBox<StreamingAppend?>
    private let state = Mutex(State())

    private struct State {
        var response: Response?
        var wasWanted = false
        var kept: Offset?
    }

    var wasWanted: Bool { state.withLock(\.wasWanted) }
    /// The offset of the piece that is kept.
    var kept: Offset? { state.withLock(\.kept) }

    init(_ desk: Desk, closes: Bool) async throws {
        self.desk = desk
        streaming = NIOLoopBoundBox.makeEmptyBox(valueType: StreamingAppend.self, eventLoop: loop)
        try await desk.ask(.PUT)
        let fields: Desk.Fields = [
            ("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"), ("Stream-Producer", "p"),
        ]
        let closing: Desk.Fields = closes ? [("Stream-Closed", "true")] : []
        guard case .streamingAppend(let plan) = desk.plan(.POST, "", [fields, closing]) else {
            throw UnexpectedOutcome("no streaming append")
        }
        try await loop.executeInContext { [self] in
            streaming.value = StreamingAppend(
                plan: plan,
                limits: DataPlaneConfiguration(ServerConfiguration()).pieces,
                eventLoop: loop,
                onHold: { _ in },
                onResume: {},
                onFinish: { [weak self] response in self?.state.withLock { $0.response = response } }
            )
            streaming.value?.open { [weak self] in self?.state.withLock { $0.wasWanted = true } }
        }
        while state.withLock({ !$0.wasWanted && $0.response == nil }) { await loop.run() }
    }

    func bring(to progress: LoopOrderTests.Progress) async throws {
        switch progress {
        case .nothing: break
        case .begun: await send("data: unfini")
        case .kept, .keptUnheard:
            await send("data: one\n\n")
            while try await desk.streams.info(desk.name)?.events == 0 { await Task.yield() }
            let tail = try await desk.streams.info(desk.name)?.tail
            state.withLock { $0.kept = tail }
            guard progress == .kept else { return }
            while await isAppending { await loop.run() }
        }
    }

    private var isAppending: Bool {
        get async {
            (try? await loop.executeInContext { [streaming] in streaming.value?.isAppending ?? false }) ?? false
        }
    }

    func send(_ text: String) async {
        try? await loop.executeInContext { [streaming] in streaming.value?.received(ByteBuffer(string: text)) }
    }

    func end() async { try? await loop.executeInContext { [streaming] in streaming.value?.bodyEnded() } }

    func drain() async { try? await loop.executeInContext { [streaming] in streaming.value?.drain() } }

    func response() async -> Desk.Told {
        while true {
            if let response = state.withLock(\.response) {
                try? await loop.executeInContext { [streaming] in streaming.value = nil }
                return Desk.Told(response)
            }
            await loop.run()
        }
    }
}
