import NIOCore
import StreamHTTP
import Testing

@Suite("The life of one request: every state and every event")
struct RequestStateMachineTests {
    private typealias Machine = RequestStateMachine
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private static let late = start + .seconds(30)
    private static let bad = RequestFailure.malformed("bad")

    /// How each state is come to.
    private static let states: [String: [Machine.Event]] = [
        "deciding": [],
        "bodiless": [.planned(.act, .none)],
        "collecting": [.planned(.collect(limit: 10), .openEnded), .bodyPart(bytes: 4)],
        "appending": [.planned(.append, .openEnded)],
        "appending, whole": [.planned(.append, .openEnded), .bodyEnded],
        "appending, broken": [.planned(.append, .openEnded), .broken(bad)],
        "exchanging": [.planned(.exchange(limit: 10), .length(10))],
        "exchanging, whole": [.planned(.exchange(limit: nil), .none), .bodyEnded, .replied(.exchange)],
        "working": [.planned(.act, .none), .bodyEnded],
        "waiting": [.planned(.act, .none), .bodyEnded, .replied(.wait)],
        "streaming": [.planned(.act, .none), .bodyEnded, .replied(.subscription)],
        "paging": [.planned(.act, .none), .bodyEnded, .replied(.catchUp)],
        "over": [.left],
    ]

    private static let events: [(name: String, event: Machine.Event, now: NIODeadline)] = [
        ("respond", .planned(.respond, .none), start), ("respond+body", .planned(.respond, .length(1)), start),
        ("act", .planned(.act, .none), start), ("act+body", .planned(.act, .openEnded), start),
        ("collect", .planned(.collect(limit: 10), .none), start),
        ("collect+body", .planned(.collect(limit: 10), .length(10)), start),
        ("collect+more", .planned(.collect(limit: 10), .length(11)), start),
        ("append", .planned(.append, .none), start), ("append+body", .planned(.append, .openEnded), start),
        ("exchange", .planned(.exchange(limit: 10), .none), start),
        ("exchange+body", .planned(.exchange(limit: 10), .length(10)), start),
        ("exchange+more", .planned(.exchange(limit: 10), .length(11)), start),
        ("part", .bodyPart(bytes: 6), start), ("part too much", .bodyPart(bytes: 7), start),
        ("end", .bodyEnded, start), ("broken", .broken(bad), start),
        ("response", .replied(.response), start), ("subscription", .replied(.subscription), start),
        ("wait", .replied(.wait), start), ("exchange reply", .replied(.exchange), start),
        ("pending", .replied(.pending), start), ("catch-up", .replied(.catchUp), start),
        ("complete", .finished(isComplete: true), start),
        ("torn", .finished(isComplete: false), start), ("failed", .failed(.broken), start),
        ("given up", .givenUp, start), ("input over", .inputEnded, start), ("left", .left, start),
        ("tick", .tick, start), ("late tick", .tick, late),
    ]

    private static let working: [String: (Machine.Action, Machine.State)] = [
        "response": (.respond, .over), "subscription": (.subscribe, .streaming), "wait": (.wait, .waiting),
        "exchange reply": (.beginExchange(hasBody: false), .exchanging(isBodyComplete: true)),
        "pending": (.pend, .waiting), "catch-up": (.page, .paging), "left": (.drop, .over),
    ]

    /// What may happen in a state beside nothing at all; everything else cannot.
    private static let table: [String: [String: (Machine.Action, Machine.State)]] = [
        "deciding": [
            "respond": (.none, .bodiless), "respond+body": (.execute, .working), "act": (.none, .bodiless),
            "act+body": (.fail(.bodyNotExpected), .over), "collect": (.none, .bodiless),
            "collect+body": (.gather, .collecting(limit: 10, received: 0, since: start)),
            "collect+more": (.fail(.bodyTooLarge(limit: 10)), .over),
            "append+body": (.openAppend, .appending(.arriving)), "exchange": (.none, .bodiless),
            "exchange+body": (.beginExchange(hasBody: true), .exchanging(isBodyComplete: false)),
            "exchange+more": (.fail(.bodyTooLarge(limit: 10)), .over), "broken": (.fail(bad), .over),
            "left": (.drop, .over),
        ],
        "bodiless": [
            "part": (.fail(.malformed("it has a body that its head did not announce")), .over),
            "part too much": (.fail(.malformed("it has a body that its head did not announce")), .over),
            "end": (.execute, .working), "broken": (.fail(bad), .over), "left": (.drop, .over),
        ],
        "collecting": [
            "part": (.take, .collecting(limit: 10, received: 10, since: start)),
            "part too much": (.fail(.bodyTooLarge(limit: 10)), .over), "end": (.execute, .working),
            "broken": (.fail(bad), .over), "response": (.respond, .over), "failed": (.fail(.broken), .over),
            "input over": (.abort, .over), "left": (.drop, .over), "late tick": (.fail(.bodyTimeout), .over),
        ],
        "appending": [
            "part": (.take, .appending(.arriving)), "part too much": (.take, .appending(.arriving)),
            "end": (.endBody, .appending(.complete)), "broken": (.tear, .appending(.broken(bad))),
            "response": (.respond, .over), "given up": (.abort, .over),
            "input over": (.tear, .appending(.arriving)), "left": (.drop, .over),
        ],
        "appending, whole": ["response": (.respond, .over), "given up": (.abort, .over), "left": (.drop, .over)],
        "appending, broken": [
            "response": (.respond, .over), "given up": (.fail(bad), .over), "left": (.drop, .over),
        ],
        "exchanging": [
            "part": (.take, .exchanging(isBodyComplete: false)),
            "part too much": (.take, .exchanging(isBodyComplete: false)),
            "end": (.endBody, .exchanging(isBodyComplete: true)), "broken": (.tear, .exchanging(isBodyComplete: true)),
            "complete": (.finish(isComplete: true), .over), "torn": (.finish(isComplete: false), .over),
            "failed": (.fail(.broken), .over), "given up": (.abort, .over), "input over": (.abort, .over),
            "left": (.drop, .over),
        ],
        "exchanging, whole": [
            "complete": (.finish(isComplete: true), .over), "torn": (.finish(isComplete: false), .over),
            "failed": (.fail(.broken), .over), "given up": (.abort, .over), "input over": (.abort, .over),
            "left": (.drop, .over),
        ],
        "working": working,
        "waiting": working.merging(["input over": (.abort, .over)]) { $1 },
        "streaming": [
            "complete": (.finish(isComplete: true), .over), "torn": (.finish(isComplete: false), .over),
            "given up": (.abort, .over), "input over": (.abort, .over), "left": (.drop, .over),
        ],
        "paging": [
            "complete": (.finish(isComplete: true), .over), "torn": (.finish(isComplete: false), .over),
            "given up": (.abort, .over), "left": (.drop, .over),
        ],
        "over": Dictionary(
            uniqueKeysWithValues: ["response", "subscription", "wait", "exchange reply", "pending", "catch-up"].map {
                ($0, (.discard, .over))
            }
        ),
    ]

    /// What is said to a request that it changes nothing for.
    private static let nothing: [String: Set<String>] = [
        "deciding": ["input over", "tick", "late tick"],
        "bodiless": ["input over", "tick", "late tick"],
        "collecting": ["tick"],
        "appending": ["tick", "late tick"],
        "appending, whole": ["broken", "input over", "tick", "late tick"],
        "appending, broken": ["part", "part too much", "end", "broken", "input over", "tick", "late tick"],
        "exchanging": ["tick", "late tick"],
        "exchanging, whole": ["broken", "tick", "late tick"],
        "working": ["broken", "input over", "tick", "late tick"],
        "waiting": ["broken", "tick", "late tick"],
        "streaming": ["broken", "tick", "late tick"],
        "paging": ["broken", "input over", "tick", "late tick"],
        "over": Set(
            events.map(\.name).filter {
                !["response", "subscription", "wait", "exchange reply", "pending", "catch-up"].contains($0)
            }
        ),
    ]

    @Test("the table has every state and every event")
    func whole() {
        let states = Set(
            Self.states.keys.map { name in
                switch machine(name).state {
                case .deciding: "deciding"
                case .bodiless: "bodiless"
                case .collecting: "collecting"
                case .appending(.arriving): "appending"
                case .appending(.complete): "appending, whole"
                case .appending(.broken): "appending, broken"
                case .exchanging(isBodyComplete: false): "exchanging"
                case .exchanging(isBodyComplete: true): "exchanging, whole"
                case .working: "working"
                case .waiting: "waiting"
                case .streaming: "streaming"
                case .paging: "paging"
                case .over: "over"
                }
            }
        )
        #expect(states == Set(Self.table.keys) && states == Set(Self.nothing.keys))
        let events = Set(
            Self.events.map { (_, event, _) in
                switch event {
                case .planned(let intake, let body):
                    switch intake {
                    case .respond: body == .none ? 0 : 1
                    case .act: body == .none ? 2 : 3
                    case .collect: body == .none ? 4 : 5
                    case .append: body == .none ? 6 : 7
                    case .exchange: body == .none ? 8 : 9
                    }
                case .bodyPart: 10
                case .bodyEnded: 11
                case .broken: 12
                case .replied(let kind): 13 + (Machine.ReplyKind.allCases.firstIndex(of: kind) ?? 0)
                case .finished(isComplete: true): 19
                case .finished(isComplete: false): 20
                case .failed: 21
                case .givenUp: 22
                case .inputEnded: 23
                case .left: 24
                case .tick: 25
                }
            }
        )
        #expect(Machine.ReplyKind.allCases.count == 6 && events == Set(0...25))
    }

    private func machine(_ name: String) -> Machine {
        var machine = Machine(bodyIdle: .seconds(30))
        for event in Self.states[name] ?? [] {
            if case .illegal(let transition) = machine.next(event, now: Self.start) { Issue.record("\(transition)") }
        }
        return machine
    }

    @Test("a body that never pauses for long, but is slower than the least rate, is over when it has taken as long")
    func leastRate() {
        for (rate, isOver) in [(0, false), (10, false), (11, true)] {
            var machine = Machine(bodyIdle: .seconds(30), bodyRate: rate)
            _ = machine.next(.planned(.collect(limit: 10_000), .openEnded), now: Self.start)
            for second in 1...29 {
                let now = Self.start + .seconds(Int64(second))
                #expect(machine.next(.bodyPart(bytes: 10), now: now) == .take)
                #expect(machine.next(.tick, now: now) == .none)
            }
            let now = Self.start + .seconds(30)
            _ = machine.next(.bodyPart(bytes: 10), now: now)
            #expect(machine.next(.tick, now: now) == (isOver ? .fail(.bodyTooSlow(rate: rate)) : .none))
        }
    }

    @Test("does what the table says, and names what cannot happen", arguments: states.keys.sorted())
    func table(state: String) throws {
        let legal = try #require(Self.table[state])
        let ignored = try #require(Self.nothing[state])
        for (name, event, now) in Self.events {
            var machine = machine(state)
            let before = machine.state
            let action = machine.next(event, now: now)
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

    @Test("a body may be slow but not silent")
    func slowBody() {
        var machine = machine("collecting")
        #expect(machine.next(.bodyPart(bytes: 1), now: Self.start + .seconds(29)) == .take)
        #expect(machine.next(.tick, now: Self.start + .seconds(58)) == .none)
        #expect(machine.next(.tick, now: Self.start + .seconds(59)) == .fail(.bodyTimeout))
        #expect(machine.isOver)
    }
}
