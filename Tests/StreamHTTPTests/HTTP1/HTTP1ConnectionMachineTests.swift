import NIOCore
import StreamHTTP
import Testing

@Suite("Where an HTTP/1 connection stands")
struct HTTP1ConnectionMachineTests {
    private typealias Machine = HTTP1ConnectionMachine
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private static let bad = RequestFailure.malformed("bad")
    private static let times = Machine.Times(
        header: .seconds(10),
        idle: .seconds(75),
        writeStall: .seconds(30),
        linger: .seconds(2)
    )
    private static let last = request(isLast: true)

    private static func request(isLast: Bool = false, isComplete: Bool = false) -> Machine.Request {
        var request = Machine.Request(isLast: isLast)
        request.isComplete = isComplete
        return request
    }

    private static let states: [String: [Machine.Event]] = [
        "idle": [],
        "head": [.bytes(1)],
        "request": [.head(request())],
        "request, whole": [.head(request()), .requestEnded],
        "flushing": [.head(request()), .requestEnded, .answered(isLast: false)],
        "flushing the last": [.head(request()), .answered(isLast: false)],
        "streaming": [.head(request()), .requestEnded, .streamBegan],
        "lingering": [.head(last), .requestEnded, .answered(isLast: false), .flushed(isInputOver: false)],
        "closed": [.closed],
    ]

    private static let events: [(name: String, event: Machine.Event)] = [
        ("bytes", .bytes(1000)), ("many bytes", .bytes(1025)), ("head", .head(request())), ("end", .requestEnded),
        ("last response", .lastResponseBegan), ("stream", .streamBegan), ("answered", .answered(isLast: false)),
        ("answered, last", .answered(isLast: true)), ("progress", .progressed),
        ("flushed", .flushed(isInputOver: false)), ("flushed, input over", .flushed(isInputOver: true)),
        ("malformed", .malformed(bad)), ("broken", .malformed(nil)), ("input over", .inputEnded),
        ("draining", .draining(closesIdle: false)), ("deadline", .draining(closesIdle: true)), ("closed", .closed),
    ]

    private static let table: [String: [String: (Machine.Action, Machine.State)]] = [
        "idle": [
            "bytes": (.none, .head(since: start)), "many bytes": (.none, .head(since: start)),
            "head": (.none, .request(request())), "answered": (.none, .flushing(isLast: true, since: start)),
            "answered, last": (.none, .flushing(isLast: true, since: start)),
            "malformed": (.respond(bad), .idle(since: start)), "broken": (.close, .closed),
            "input over": (.close, .closed), "deadline": (.close, .closed), "closed": (.none, .closed),
        ],
        "head": [
            "head": (.none, .request(request())), "answered": (.none, .flushing(isLast: true, since: start)),
            "answered, last": (.none, .flushing(isLast: true, since: start)),
            "malformed": (.respond(bad), .head(since: start)), "broken": (.close, .closed),
            "input over": (.close, .closed), "closed": (.none, .closed),
        ],
        "request": [
            "end": (.none, .request(request(isComplete: true))), "last response": (.none, .request(last)),
            "stream": (.none, .streaming(request())), "answered": (.none, .flushing(isLast: true, since: start)),
            "answered, last": (.none, .flushing(isLast: true, since: start)),
            "malformed": (.tellBroken(bad), .request(last)), "broken": (.tellInputEnded, .request(last)),
            "input over": (.tellInputEnded, .request(request())), "draining": (.none, .request(last)),
            "deadline": (.none, .request(last)), "closed": (.none, .closed),
        ],
        "request, whole": [
            "last response": (.none, .request(request(isLast: true, isComplete: true))),
            "stream": (.none, .streaming(request(isComplete: true))),
            "answered": (.none, .flushing(isLast: false, since: start)),
            "answered, last": (.none, .flushing(isLast: true, since: start)),
            "malformed": (.none, .request(request(isLast: true, isComplete: true))),
            "broken": (.none, .request(request(isLast: true, isComplete: true))),
            "input over": (.tellInputEnded, .request(request(isComplete: true))),
            "draining": (.none, .request(request(isLast: true, isComplete: true))),
            "deadline": (.none, .request(request(isLast: true, isComplete: true))), "closed": (.none, .closed),
        ],
        "flushing": [
            "flushed": (.takeNext, .idle(since: start)), "flushed, input over": (.close, .closed),
            "malformed": (.none, .flushing(isLast: true, since: start)),
            "broken": (.none, .flushing(isLast: true, since: start)),
            "draining": (.none, .flushing(isLast: true, since: start)),
            "deadline": (.none, .flushing(isLast: true, since: start)), "closed": (.none, .closed),
        ],
        "flushing the last": [
            "flushed": (.closeOutput, .lingering(since: start, budget: 1024)),
            "flushed, input over": (.close, .closed), "closed": (.none, .closed),
        ],
        "streaming": [
            "answered": (.none, .flushing(isLast: true, since: start)),
            "answered, last": (.none, .flushing(isLast: true, since: start)),
            "input over": (.tellInputEnded, .streaming(request(isComplete: true))), "closed": (.none, .closed),
        ],
        "lingering": [
            "bytes": (.none, .lingering(since: start, budget: 24)), "many bytes": (.close, .closed),
            "input over": (.close, .closed), "closed": (.none, .closed),
        ],
        "closed": [:],
    ]

    private static let nothing: [String: Set<String>] = [
        "idle": ["progress", "draining"],
        "head": ["bytes", "many bytes", "progress", "draining", "deadline"],
        "request": ["bytes", "many bytes", "progress"],
        "request, whole": ["bytes", "many bytes", "progress"],
        "flushing": ["bytes", "many bytes", "progress", "input over"],
        "flushing the last": [
            "bytes", "many bytes", "progress", "input over", "malformed", "broken", "draining", "deadline",
        ],
        "streaming": ["bytes", "many bytes", "progress", "malformed", "broken", "draining", "deadline"],
        "lingering": ["progress", "malformed", "broken", "draining", "deadline"],
        "closed": [
            "bytes", "many bytes", "progress", "flushed", "flushed, input over", "malformed", "broken", "input over",
            "draining", "deadline", "closed",
        ],
    ]

    @Test("the table has every state and every event")
    func whole() {
        let states = Set(
            Self.states.keys.map { name in
                switch machine(name).state {
                case .idle: "idle"
                case .head: "head"
                case .request(let request): request.isComplete ? "request, whole" : "request"
                case .flushing(let isLast, _): isLast ? "flushing the last" : "flushing"
                case .streaming: "streaming"
                case .lingering: "lingering"
                case .closed: "closed"
                }
            }
        )
        #expect(states == Set(Self.table.keys) && states == Set(Self.nothing.keys))
        let events = Set(
            Self.events.map { (_, event) in
                switch event {
                case .bytes: 0
                case .head: 1
                case .requestEnded: 2
                case .lastResponseBegan: 3
                case .streamBegan: 4
                case .answered(let isLast): isLast ? 5 : 6
                case .progressed: 7
                case .flushed(let isInputOver): isInputOver ? 8 : 9
                case .malformed(let failure): failure == nil ? 10 : 11
                case .inputEnded: 12
                case .draining(let closesIdle): closesIdle ? 13 : 14
                case .closed: 15
                }
            }
        )
        #expect(events == Set(0...15))
    }

    private func machine(_ name: String) -> Machine {
        var machine = Machine(lingerBytes: 1024, now: Self.start)
        for event in Self.states[name] ?? [] {
            if case .illegal(let transition) = machine.next(event, now: Self.start) { Issue.record("\(transition)") }
        }
        return machine
    }

    @Test(
        "every state and every event: does what the table says, and names what cannot happen",
        arguments: states.keys.sorted()
    )
    func table(state: String) throws {
        let legal = try #require(Self.table[state])
        let ignored = try #require(Self.nothing[state])
        for (name, event) in Self.events {
            var machine = machine(state)
            let before = machine.state
            let action = machine.next(event, now: Self.start)
            if let (expected, after) = legal[name] {
                #expect(action == expected, "\(name) while \(state)")
                #expect(machine.state == after, "\(name) while \(state)")
            } else if ignored.contains(name) {
                #expect(action == .none, "\(name) while \(state)")
                #expect(machine.state == before, "\(name) while \(state)")
            } else {
                guard case .illegal(let transition) = action else {
                    Issue.record("\(name) while \(state) is \(action)")
                    continue
                }
                #expect(transition.event == "\(event)")
                #expect(transition.state == "\(before)")
                #expect(machine.state == before)
            }
        }
    }

    @Test("a connection on which nothing was said is closed without a word")
    func idle() {
        var machine = machine("idle")
        #expect(machine.tick(Self.times, now: Self.start + .seconds(74)) == .none)
        #expect(machine.tick(Self.times, now: Self.start + .seconds(75)) == .close)
    }

    @Test("a head that dribbles in is answered, however often a byte comes")
    func slowHead() {
        var machine = machine("idle")
        for second in 0..<10 { _ = machine.next(.bytes(1), now: Self.start + .seconds(Int64(second))) }
        #expect(machine.tick(Self.times, now: Self.start + .seconds(9)) == .none)
        #expect(machine.tick(Self.times, now: Self.start + .seconds(10)) == .respond(.headTimeout))
    }

    @Test("a peer that takes nothing of its response is closed; one that is slow is not")
    func flushing() {
        var machine = machine("flushing")
        #expect(machine.next(.progressed, now: Self.start + .seconds(29)) == .none)
        #expect(machine.tick(Self.times, now: Self.start + .seconds(58)) == .none)
        #expect(machine.tick(Self.times, now: Self.start + .seconds(59)) == .close)
    }

    @Test("after the last response the peer is listened to for a while")
    func lingering() {
        var machine = machine("lingering")
        #expect(!machine.takesParts && !machine.keepsParts)
        #expect(machine.tick(Self.times, now: Self.start + .seconds(1)) == .none)
        #expect(machine.tick(Self.times, now: Self.start + .seconds(2)) == .close)
    }

    @Test("a request that is being answered, and a stream, have no deadline here", arguments: ["request", "streaming"])
    func patience(state: String) {
        var machine = machine(state)
        #expect(machine.tick(Self.times, now: Self.start + .hours(24)) == .none)
    }

    @Test("the next request is kept while one is answered, and looked at after it")
    func oneAtATime() {
        var machine = machine("request, whole")
        #expect(!machine.takesParts && machine.keepsParts)
        _ = machine.next(.answered(isLast: false), now: Self.start)
        #expect(!machine.takesParts && machine.keepsParts)
        _ = machine.next(.flushed(isInputOver: false), now: Self.start)
        #expect(machine.takesParts)
    }
}
