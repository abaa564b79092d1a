import Locks
import Logging
import NIOCore
import NIOEmbedded
import StoreSuite
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("A request on a transport that is no socket")
struct RequestRunTests {
    private struct Common: Responder {
        var plane: StreamPlane?

        func plan(for head: RequestHead, _ facts: ConnectionFacts) -> RequestPlan { .respond(Response(200)) }
        func respond(to failure: RequestFailure, head: RequestHead?) -> Response {
            if case .lostRight = failure { Response(401) } else { Response(400) }
        }
        func commonFields(for head: RequestHead?) -> [HeaderField] { [HeaderField("X-Common", head?.uri ?? "none")] }
    }

    /// Notes what it is given, and takes of it what the test says.
    private final class Transport: RequestTransport {
        var said: [String] = []
        var fields: [HeaderField] = []
        var isWritable = true
        var bytesTaken: UInt64 = 0
        var bytesSent: UInt64 = 0
        var framing: BodyFraming { .plain }
        var peerAddress: String { "somebody" }

        func send(_ response: Response) {
            said.append("\(response.status) \(String(decoding: response.body, as: UTF8.self))")
            fields = response.headers
        }

        func send(_ head: ResponseHead, _ part: ByteBuffer) -> Int {
            said.append("head \(head.status)")
            fields = head.headers
            return part.readableBytes
        }

        func send(_ part: ByteBuffer) -> Bool {
            said.append(String(buffer: part))
            return isWritable
        }

        func finish(isComplete: Bool) { said.append(isComplete ? "complete" : "torn") }
        func abort(reset: Bool) { said.append(reset ? "reset" : "abort") }
        func bodyWantChanged() {}
        func sendContinue() { said.append("continue") }
        func responseWaits() { said.append("waits") }
        func responseStreams() { said.append("streams") }
    }

    private final class Scene {
        let transport = Transport()
        let run: RequestRun
        let loop: HTTPLoop
        let eventLoop = EmbeddedEventLoop()

        init(_ head: RequestHead, accessLog: AccessLog? = nil) {
            var configuration = DataPlaneConfiguration.forTests
            // No other test's bodies count here.
            configuration.inflight = InflightBudget(limit: 1 << 20)
            let streams = Streams(store: MemoryStreamStore(time: ManualTime()), time: ManualTime())
            loop = HTTPLoop(
                eventLoop,
                responder: Common(plane: StreamPlane(streams: streams, configuration: configuration)),
                configuration: configuration,
                time: ManualTime(),
                log: .none,
                accessLog: accessLog
            )
            run = RequestRun(head, on: loop, transport: transport)
        }
    }

    private func post(_ body: RequestHead.Body, expectsContinue: Bool = false) -> Scene {
        Scene(RequestHead(method: .POST, uri: "/a", body: body, expectsContinue: expectsContinue))
    }

    private let echo: @Sendable ([UInt8]) async -> Reply = { .response(Response(200, body: $0)) }

    @Test("gathers a body and is answered, with the fields that every response has")
    func collects() {
        let scene = post(.length(4))
        scene.run.start(.collect(limit: 4, echo))
        scene.run.received(ByteBuffer(string: "bo"))
        scene.run.received(ByteBuffer(string: "dy"))
        #expect(scene.transport.said.isEmpty)
        scene.run.bodyEnded()
        #expect(scene.transport.said == ["200 body"])
        #expect(scene.transport.fields == [HeaderField("X-Common", "/a")])
    }

    private func answered(by answer: @escaping @Sendable ([UInt8], any LaterReply) -> Reply?) -> Scene {
        let scene = post(.length(4))
        scene.run.start(.answer(limit: 4, answer))
        scene.run.received(ByteBuffer(string: "body"))
        #expect(scene.transport.said.isEmpty)
        scene.run.bodyEnded()
        return scene
    }

    @Test("is answered at once where the reply is there, and otherwise when it is told, if somebody is there by then")
    func answers() {
        let atOnce = answered { body, _ in .response(Response(200, body: body)) }
        #expect(atOnce.transport.said == ["200 body"])
        let meanwhile = answered { body, later in
            later.tell { .response(Response(201, body: body)) }
            return nil
        }
        #expect(meanwhile.transport.said == ["201 body"])
        for isGone in [false, true] {
            let ways = Mutex<[any LaterReply]>([])
            let waiting = answered { _, later in
                ways.withLock { $0.append(later) }
                return nil
            }
            #expect(waiting.transport.said.isEmpty && waiting.run.isWorking)
            if isGone { waiting.run.left() }
            let later = ways.withLock { $0.first }
            later?.onLoop { later?.tell(.response(Response(202))) }
            waiting.eventLoop.run()
            #expect(waiting.transport.said == (isGone ? [] : ["202 "]))
        }
    }

    @Test("a body that holds most of what is in flight gives way, and is answered")
    func givesWay() throws {
        let scene = post(.openEnded)
        scene.run.start(.collect(limit: 1 << 30, echo))
        let budget = scene.loop.configuration.inflight
        let part = ByteBuffer(repeating: 0, count: budget.limit / 2)
        scene.run.received(part)
        #expect(budget.usage[.body].bytes == budget.limit / 2)
        scene.run.received(ByteBuffer(string: "more"))
        scene.eventLoop.run()
        #expect(scene.transport.said == ["400 "] && budget.usage.total == 0)
        // Small bodies hold nothing of it.
        let small = post(.length(1000))
        small.run.start(.collect(limit: 1000, echo))
        small.run.received(ByteBuffer(repeating: 0, count: 1000))
        #expect(budget.usage.total == 0)
    }

    /// A right that the test ends.
    private final class Grant: AccessGrant {
        let expires: Int64?
        private let holds: Mutex<Bool>
        var stillHolds: Bool { holds.withLock(\.self) }

        init(expires: Int64? = nil, holds: Bool = true) {
            self.expires = expires
            self.holds = Mutex(holds)
        }

        func end() { holds.withLock { $0 = false } }
    }

    @Test("a body whose right ends before it is whole is refused at once")
    func rightEndsInTheBody() {
        let scene = post(.length(4))
        let grant = Grant()
        scene.run.start(RequestPlan.collect(limit: 4, echo).held(by: grant))
        scene.run.received(ByteBuffer(string: "bo"))
        scene.run.reviewRight()
        #expect(scene.transport.said.isEmpty)
        grant.end()
        scene.run.reviewRight()
        #expect(scene.transport.said == ["401 "])
        scene.run.received(ByteBuffer(string: "dy"))
        scene.run.bodyEnded()
        #expect(scene.transport.said.count == 1)
    }

    @Test("a right that time ends is gone at the first tick of that second")
    func rightExpires() {
        let now = Int64(ManualTime().wallMilliseconds() / 1000)
        for (expires, said) in [(now + 1, []), (now, ["401 "])] {
            let scene = post(.length(4))
            scene.loop.start()
            scene.run.start(RequestPlan.collect(limit: 4, echo).held(by: Grant(expires: expires)))
            scene.eventLoop.advanceTime(by: scene.loop.configuration.tick)
            scene.run.tick(now: .now())
            #expect(scene.transport.said == said)
            scene.loop.stop()
        }
    }

    @Test("a request that was decided by rules of before is asked about by those of now")
    func rightEndsWhileItIsDecided() {
        let scene = post(.length(4))
        let echo = echo
        scene.run.start(.later { RequestPlan.collect(limit: 4, echo).held(by: Grant(holds: false)) })
        scene.eventLoop.run()
        #expect(scene.transport.said == ["401 "])
    }

    @Test("a right that ends while it is decided what a request is ends whatever that is")
    func rightEndsBeforeItIsDecided() {
        let scene = post(.length(4))
        let (echo, grant) = (echo, Grant())
        let run = NIOLoopBound(scene.run, eventLoop: scene.eventLoop)
        let plan = RequestPlan.later {
            grant.end()
            run.value.reviewRight()
            return .collect(limit: 4, echo)
        }
        scene.run.start(plan.held(by: grant))
        scene.eventLoop.run()
        #expect(scene.transport.said == ["401 "])
    }

    @Test("a peer that waits for a word is told to go on, or why not")
    func expectation() {
        let welcome = post(.length(4), expectsContinue: true)
        welcome.run.start(.collect(limit: 4, refusal: { nil }, echo))
        #expect(welcome.transport.said == ["continue"])
        let refused = post(.length(4), expectsContinue: true)
        refused.run.start(.collect(limit: 4, refusal: { Response(404) }, echo))
        #expect(refused.transport.said == ["404 "])
        refused.run.received(ByteBuffer(string: "late"))
        refused.run.bodyEnded()
        #expect(refused.transport.said.count == 1)
    }

    @Test("a body that pauses for too long is answered")
    func silence() {
        // From before it began, and then from after: however long this took, the pause is shorter, and then longer.
        let before = NIODeadline.now()
        let scene = post(.length(4))
        scene.run.start(.collect(limit: 4, echo))
        scene.run.tick(now: before + .seconds(29))
        #expect(scene.transport.said.isEmpty)
        scene.run.tick(now: .now() + .seconds(31))
        #expect(scene.transport.said == ["400 "])
    }

    @Test("a reader whose transport takes nothing is given up, and one that is slow is not")
    func stalled() throws {
        let name = try StreamName("a")
        for isSlow in [false, true] {
            let before = NIODeadline.now()
            let scene = Scene(RequestHead(method: .GET, uri: "/a"))
            scene.transport.isWritable = false
            scene.run.start(
                .act {
                    .subscribe(
                        SubscriptionPlan(
                            name: name,
                            form: .sse,
                            headers: [],
                            requested: "-1",
                            opening: .held(tellsStart: false)
                        )
                    )
                }
            )
            scene.run.bodyEnded()
            #expect(scene.transport.said == ["streams", "head 200", "waits"])
            if isSlow { scene.transport.bytesTaken += 1 }
            // From before it began, and then from after.
            scene.run.tick(now: before + .seconds(29))
            #expect(scene.transport.said.count == 3)
            scene.run.tick(now: .now() + .seconds(31))
            #expect(scene.transport.said.last == (isSlow ? "waits" : "abort"))
        }
    }

    // MARK: The access log

    private final class Lines: AccessLogOutput {
        let name = "memory"
        private let stream: AsyncStream<[UInt8]>
        private let writing: AsyncStream<[UInt8]>.Continuation

        init() { (stream, writing) = AsyncStream.makeStream(of: [UInt8].self) }

        func open() throws(AccessLogTrouble) {}

        func write(_ bytes: [UInt8]) -> (count: Int, failure: String?) {
            writing.yield(bytes)
            return (bytes.count, nil)
        }

        /// What of the next lines is between their event and their duration.
        func next(_ count: Int) async -> [String] {
            var bytes: [UInt8] = []
            var iterator = stream.makeAsyncIterator()
            while bytes.count(where: { $0 == UInt8(ascii: "\n") }) < count {
                guard let more = await iterator.next(isolation: #isolation) else { break }
                bytes += more
            }
            return String(decoding: bytes, as: UTF8.self).matches(
                of: /"event":"(\w+)".*"status":(\w+),"subject":"?(\w+).*/
            )
            .map { match in
                let end = match.output.0.firstMatch(of: /"end":"([a-z-]+)"/)?.output.1 ?? "open"
                return "\(match.output.1) \(match.output.2) \(match.output.3) \(end)"
            }
        }
    }

    /// Something that a request may hold.
    private final class Held: Sendable {}

    @Test("what a request holds is let go of when it is over, however it ends, and not before")
    func held() {
        weak var held: Held?
        func begin(_ scene: Scene, _ plan: RequestPlan) {
            let made = Held()
            held = made
            scene.run.start(plan.holding(made))
        }
        let whole = post(.length(4))
        begin(whole, .collect(limit: 4, echo))
        whole.run.received(ByteBuffer(string: "body"))
        #expect(held != nil)
        whole.run.bodyEnded()
        #expect(whole.transport.said == ["200 body"] && held == nil)
        let cut = post(.length(4))
        begin(cut, .collect(limit: 4, echo))
        #expect(held != nil)
        cut.run.left()
        #expect(held == nil)
        let late = post(.length(4))
        begin(late, .collect(limit: 4, echo))
        late.run.tick(now: .now() + .hours(1))
        #expect(late.transport.said == ["400 "] && held == nil)
        // Decided for a peer that has gone meanwhile.
        let gone = post(.length(4))
        gone.run.left()
        begin(gone, .collect(limit: 4, echo))
        #expect(held == nil)
        // A response that is known at once holds nothing.
        let answered = post(.none)
        begin(answered, .respond(Response(404)))
        #expect(held == nil)
    }

    private func logged(_ lines: Lines, _ act: (Scene) -> Void) {
        let log = AccessLog(
            to: lines,
            proxies: TrustedProxies([]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        act(Scene(RequestHead(method: .GET, uri: "/a"), accessLog: log))
    }

    @Test("the access log says who was answered, and with what")
    func accessOfOne() async {
        let lines = Lines()
        logged(lines) { scene in
            scene.run.start(.named("reader", .respond(Response(404))))
            scene.run.bodyEnded()
        }
        #expect(await lines.next(1) == ["request 404 reader done"])
        // Nobody is there to be answered any more.
        logged(lines) { $0.run.left() }
        #expect(await lines.next(1) == ["request null null peer-left"])
    }

    @Test(
        "and of a read that goes on, that it began and why it ended",
        arguments: [("left", "peer-left"), ("drain", "drained"), ("stall", "evicted"), ("end of input", "peer-left")]
    )
    func accessOfRead(why: String, told: String) async throws {
        let name = try StreamName("s")
        let lines = Lines()
        logged(lines) { scene in
            let plan = SubscriptionPlan(
                name: name,
                form: .sse,
                headers: [],
                requested: "-1",
                opening: .held(tellsStart: false)
            )
            scene.run.start(.act { .subscribe(plan) })
            scene.run.bodyEnded()
            switch why {
            case "left": scene.run.left()
            case "drain": scene.run.drain()
            case "end of input": scene.run.inputEnded()
            default:
                scene.transport.isWritable = false
                scene.run.tick(now: .now())
                scene.run.tick(now: .now() + .seconds(31))
            }
        }
        #expect(await lines.next(2) == ["begin 200 null open", "end 200 null \(told)"])
    }
}
