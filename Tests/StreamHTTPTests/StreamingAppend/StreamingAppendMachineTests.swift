import StreamCore
import Testing

@testable import StreamHTTP

@Suite("What a streaming append does next")
struct StreamingAppendMachineTests {
    private static let cancel = StreamEnd(reason: .cancelled, detail: nil, offset: Offset(9))
    private let end = StreamEnd(reason: .done, detail: nil, offset: Offset(9))

    @Test("one batch is on its way at a time; what comes meanwhile is the next")
    func batches() {
        var machine = StreamingAppendMachine(closes: false)
        #expect(name(machine.received(at: .nothing)) == "wait")
        #expect(name(machine.received(at: .pieces)) == "append")
        #expect(name(machine.received(at: .pieces)) == "wait")
        #expect(name(machine.appended(kept, at: .pieces)) == "append")
        #expect(name(machine.appended(kept, at: .nothing)) == "wait")
    }

    @Test("a clean end appends the rest, then answers")
    func cleanEnd() {
        var machine = StreamingAppendMachine(closes: false)
        #expect(name(machine.bodyEnded(at: .pieces)) == "append")
        #expect(name(machine.appended(kept, at: .nothing)) == "complete")
        #expect(!machine.isTorn)
    }

    @Test("a clean end that brings nothing is answered by what the store says of what it had before")
    func cleanEndAlone() {
        func ended() -> StreamingAppendMachine {
            var machine = StreamingAppendMachine(closes: false)
            #expect(name(machine.received(at: .pieces)) == "append")
            #expect(name(machine.appended(kept, at: .nothing)) == "wait")
            #expect(name(machine.bodyEnded(at: .nothing)) == "confirm")
            #expect(name(machine.bodyTorn(at: .nothing)) == "wait")
            return machine
        }
        var whole = ended()
        #expect(name(whole.confirmed(.success(()), at: .nothing)) == "complete")
        var lost = ended()
        #expect(name(lost.confirmed(.failure(.unavailable("gone")), at: .nothing)) == "failed")
        var cancelled = ended()
        #expect(name(cancelled.confirmed(.success(()), at: .stopped(.ended(Self.cancel)))) == "stopped")
    }

    @Test("an append that was sent before the body ended does not speak for the end")
    func appendedBeforeTheEnd() {
        var machine = StreamingAppendMachine(closes: false)
        #expect(name(machine.received(at: .pieces)) == "append")
        #expect(name(machine.bodyEnded(at: .nothing)) == "wait")
        #expect(name(machine.appended(kept, at: .nothing)) == "confirm")
        #expect(name(machine.confirmed(.success(()), at: .nothing)) == "complete")
        var empty = StreamingAppendMachine(closes: false)
        #expect(name(empty.bodyEnded(at: .nothing)) == "confirm")
    }

    @Test("when its credential ends it appends what was whole, answers, and leaves its stream torn")
    func credentialEnds() {
        var quiet = StreamingAppendMachine(closes: false)
        #expect(name(quiet.lostRight(.expired, at: .nothing)) == "lostRight")
        #expect(quiet.isTorn)
        var busy = StreamingAppendMachine(closes: false)
        #expect(name(busy.received(at: .pieces)) == "append")
        #expect(name(busy.lostRight(.revoked, at: .pieces)) == "wait")
        #expect(name(busy.appended(kept, at: .pieces)) == "append")
        #expect(name(busy.appended(kept, at: .nothing)) == "lostRight")
    }

    @Test("a body that was whole before its credential ended is decided as any")
    func credentialEndsTooLate() {
        var machine = StreamingAppendMachine(closes: false)
        #expect(name(machine.bodyEnded(at: .pieces)) == "append")
        #expect(name(machine.lostRight(.expired, at: .nothing)) == "wait")
        #expect(name(machine.appended(kept, at: .nothing)) == "complete")
    }

    @Test("with Stream-Closed the end goes with what fits the last of several appends")
    func closingInSteps() {
        var machine = StreamingAppendMachine(closes: true)
        let many = StreamingAppendMachine.Moment(hasPieces: true, fitsOneAppend: false, stop: nil)
        #expect(name(machine.bodyEnded(at: many)) == "append")
        #expect(name(machine.appended(kept, at: many)) == "append")
        #expect(name(machine.appended(kept, at: .pieces)) == "append closing")
    }

    @Test("with Stream-Closed the last piece and the end are one step")
    func closing() {
        var machine = StreamingAppendMachine(closes: true)
        _ = machine.received(at: .pieces)
        #expect(name(machine.bodyEnded(at: .pieces)) == "wait")
        #expect(name(machine.appended(kept, at: .pieces)) == "append closing")
        #expect(name(machine.appended(closed, at: .nothing)) == "complete done")
    }

    @Test("with Stream-Closed an end without a last piece is a step of its own")
    func closingAlone() {
        var machine = StreamingAppendMachine(closes: true)
        #expect(name(machine.bodyEnded(at: .nothing)) == "append closing")
    }

    @Test("a torn body keeps what was whole, ends nothing and answers nobody")
    func torn() {
        var machine = StreamingAppendMachine(closes: true)
        #expect(name(machine.bodyTorn(at: .pieces)) == "append")
        #expect(name(machine.appended(kept, at: .nothing)) == "give up")
        #expect(machine.isTorn)
        #expect(name(machine.bodyTorn(at: .nothing)) == "wait")
    }

    @Test("a connection that goes after the body ended takes nothing back")
    func goneAfterTheEnd() {
        var machine = StreamingAppendMachine(closes: true)
        #expect(name(machine.bodyEnded(at: .pieces)) == "append closing")
        #expect(name(machine.bodyTorn(at: .nothing)) == "wait")
        #expect(name(machine.appended(closed, at: .nothing)) == "complete done")
        #expect(!machine.isTorn)
    }

    @Test("a piece that may not be appended is answered when everything before it is kept")
    func badPiece() {
        var machine = StreamingAppendMachine(closes: true)
        #expect(name(machine.badPiece(.reservedType("end"), at: .pieces)) == "append")
        #expect(name(machine.appended(kept, at: .nothing)) == "bad piece")
        #expect(machine.isTorn)
    }

    @Test("an end by someone else is answered once the batch on its way is decided")
    func stopped() {
        var machine = StreamingAppendMachine(closes: false)
        _ = machine.received(at: .pieces)
        #expect(name(machine.stopped(at: .stopped(.ended(end), hasPieces: true))) == "wait")
        #expect(
            name(machine.appended(.success(.ended(end, tail: Offset(8), producer: nil)), at: .pieces)) == "stopped"
        )
        #expect(name(machine.received(at: .pieces)) == "wait")
    }

    @Test("its own end, told before the append is answered, is no stop")
    func ownEnd() {
        var machine = StreamingAppendMachine(closes: true)
        _ = machine.bodyEnded(at: .pieces)
        #expect(name(machine.stopped(at: .stopped(.ended(end)))) == "wait")
        #expect(name(machine.appended(closed, at: .stopped(.ended(end)))) == "complete done")
    }

    @Test("what the store refuses, cannot do or no longer has is the response")
    func refusals() {
        var full = StreamingAppendMachine(closes: false)
        _ = full.received(at: .pieces)
        #expect(name(full.appended(.failure(.full(.bytes)), at: .pieces)) == "failed")
        var gone = StreamingAppendMachine(closes: false)
        _ = gone.received(at: .pieces)
        #expect(name(gone.appended(.success(.notFound), at: .nothing)) == "stopped")
        var typed = StreamingAppendMachine(closes: false)
        _ = typed.received(at: .pieces)
        #expect(name(typed.appended(.success(.typeMismatch(.eventStream)), at: .nothing)) == "refused")
    }

    @Test("a producer that lost its right before a batch was sent is told why")
    func lostRight() {
        var machine = StreamingAppendMachine(closes: false)
        _ = machine.received(at: .pieces)
        #expect(name(machine.appended(.success(nil), at: .stopped(.superseded))) == "stopped")
    }

    @Test(
        "no response says that all went well once the store has decided otherwise, whatever the loop has heard",
        arguments: [ProducerStop.removed(.deleted), .removed(.expired), .superseded, .ended(Self.cancel)]
    )
    func stoppedUnheard(stop: ProducerStop) {
        typealias Step = (inout StreamingAppendMachine, StreamingAppendMachine.Moment) -> StreamingAppendMachine.Action
        let steps: [Step] = [
            { $0.bodyEnded(at: $1) }, { $0.bodyTorn(at: $1) }, { $0.drained(at: $1) },
            { $0.badPiece(.reservedType("end"), at: $1) }, { $0.received(at: $1) }, { $0.stopped(at: $1) },
        ]
        for (step, hasPieces) in steps.flatMap({ [($0, true), ($0, false)] }) {
            for closes in [true, false] {
                let moment = StreamingAppendMachine.Moment.stopped(stop, hasPieces: hasPieces)
                var idle = StreamingAppendMachine(closes: closes)
                #expect(name(step(&idle, moment)) == "stopped")
                // The same while a batch is on its way, which was kept before.
                var busy = StreamingAppendMachine(closes: closes)
                _ = busy.received(at: .pieces)
                #expect(name(step(&busy, moment)) == "wait")
                #expect(name(busy.appended(kept, at: moment)) == "stopped")
            }
        }
    }

    @Test("at the server's deadline everything whole is kept, then it answers")
    func drained() {
        var machine = StreamingAppendMachine(closes: true)
        #expect(name(machine.drained(at: .pieces)) == "append")
        #expect(name(machine.appended(kept, at: .nothing)) == "draining")
        #expect(machine.isTorn)
    }

    private var kept: Result<AppendOutcome?, StoreError> {
        .success(.appended(tail: Offset(2), end: nil, producer: nil))
    }

    private var closed: Result<AppendOutcome?, StoreError> {
        .success(.appended(tail: Offset(2), end: end, producer: nil))
    }

    private func name(_ action: StreamingAppendMachine.Action) -> String {
        switch action {
        case .wait: "wait"
        case .append(let closing): closing ? "append closing" : "append"
        case .confirm: "confirm"
        case .giveUp: "give up"
        case .respond(let outcome):
            switch outcome {
            case .complete(let end): end.map { "complete \($0.reason)" } ?? "complete"
            case .stopped: "stopped"
            case .refused: "refused"
            case .failed: "failed"
            case .badPiece: "bad piece"
            case .draining: "draining"
            case .lostRight: "lostRight"
            case .overloaded: "overloaded"
            }
        }
    }
}

extension StreamingAppendMachine.Moment {
    fileprivate static var pieces: Self { Self(hasPieces: true, stop: nil) }
    fileprivate static var nothing: Self { Self(hasPieces: false, stop: nil) }

    fileprivate static func stopped(_ stop: ProducerStop, hasPieces: Bool = false) -> Self {
        Self(hasPieces: hasPieces, stop: stop)
    }
}
