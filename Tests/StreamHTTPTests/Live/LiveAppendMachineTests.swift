import StreamCore
import Testing

@testable import StreamHTTP

@Suite("What a live request does next")
struct LiveAppendMachineTests {
    private let end = StreamEnd(reason: .done, detail: nil, offset: Offset(9))

    @Test("one batch is on its way at a time; what comes meanwhile is the next")
    func batches() {
        var machine = LiveAppendMachine(closes: false)
        #expect(name(machine.received(hasPieces: false)) == "wait")
        #expect(name(machine.received(hasPieces: true)) == "append")
        #expect(name(machine.received(hasPieces: true)) == "wait")
        #expect(name(machine.appended(kept, hasPieces: true)) == "append")
        #expect(name(machine.appended(kept, hasPieces: false)) == "wait")
    }

    @Test("a clean end appends the rest, then answers")
    func cleanEnd() {
        var machine = LiveAppendMachine(closes: false)
        #expect(name(machine.bodyEnded(hasPieces: true)) == "append")
        #expect(name(machine.appended(kept, hasPieces: false)) == "complete")
        #expect(!machine.isTorn)
    }

    @Test("with Stream-Closed the last piece and the end are one step")
    func closing() {
        var machine = LiveAppendMachine(closes: true)
        _ = machine.received(hasPieces: true)
        #expect(name(machine.bodyEnded(hasPieces: true)) == "wait")
        #expect(name(machine.appended(kept, hasPieces: true)) == "append closing")
        #expect(name(machine.appended(closed, hasPieces: false)) == "complete done")
    }

    @Test("with Stream-Closed an end without a last piece is a step of its own")
    func closingAlone() {
        var machine = LiveAppendMachine(closes: true)
        #expect(name(machine.bodyEnded(hasPieces: false)) == "append closing")
    }

    @Test("a torn body keeps what was whole, ends nothing and answers nobody")
    func torn() {
        var machine = LiveAppendMachine(closes: true)
        #expect(name(machine.bodyTorn(hasPieces: true)) == "append")
        #expect(name(machine.appended(kept, hasPieces: false)) == "give up")
        #expect(machine.isTorn)
        #expect(name(machine.bodyTorn(hasPieces: false)) == "wait")
    }

    @Test("a connection that goes after the body ended takes nothing back")
    func goneAfterTheEnd() {
        var machine = LiveAppendMachine(closes: true)
        #expect(name(machine.bodyEnded(hasPieces: true)) == "append closing")
        #expect(name(machine.bodyTorn(hasPieces: false)) == "wait")
        #expect(name(machine.appended(closed, hasPieces: false)) == "complete done")
        #expect(!machine.isTorn)
    }

    @Test("a piece that may not be appended is answered when everything before it is kept")
    func badPiece() {
        var machine = LiveAppendMachine(closes: true)
        #expect(name(machine.badPiece(.reservedType("end"), hasPieces: true)) == "append")
        #expect(name(machine.appended(kept, hasPieces: false)) == "bad piece")
        #expect(machine.isTorn)
    }

    @Test("an end by someone else is answered once the batch on its way is decided")
    func stopped() {
        var machine = LiveAppendMachine(closes: false)
        _ = machine.received(hasPieces: true)
        #expect(name(machine.stopped(.ended(end), hasPieces: true)) == "wait")
        #expect(
            name(machine.appended(.success(.ended(end, tail: Offset(8), producer: nil)), hasPieces: true)) == "stopped"
        )
        #expect(name(machine.received(hasPieces: true)) == "wait")
    }

    @Test("its own end, told before the append is answered, is no stop")
    func ownEnd() {
        var machine = LiveAppendMachine(closes: true)
        _ = machine.bodyEnded(hasPieces: true)
        #expect(name(machine.stopped(.ended(end), hasPieces: false)) == "wait")
        #expect(name(machine.appended(closed, hasPieces: false)) == "complete done")
    }

    @Test("what the store refuses, cannot do or no longer has is the answer")
    func refusals() {
        var full = LiveAppendMachine(closes: false)
        _ = full.received(hasPieces: true)
        #expect(name(full.appended(.failure(.full(.bytes)), hasPieces: true)) == "failed")
        var gone = LiveAppendMachine(closes: false)
        _ = gone.received(hasPieces: true)
        #expect(name(gone.appended(.success(.notFound), hasPieces: false)) == "stopped")
        var typed = LiveAppendMachine(closes: false)
        _ = typed.received(hasPieces: true)
        #expect(name(typed.appended(.success(.typeMismatch(.eventStream)), hasPieces: false)) == "refused")
    }

    @Test("a producer that lost its right waits for the word why")
    func lostRight() {
        var machine = LiveAppendMachine(closes: false)
        _ = machine.received(hasPieces: true)
        #expect(name(machine.appended(.success(nil), hasPieces: false)) == "wait")
        #expect(name(machine.stopped(.superseded, hasPieces: false)) == "stopped")
    }

    @Test("at the server's deadline everything whole is kept, then it answers")
    func drained() {
        var machine = LiveAppendMachine(closes: true)
        #expect(name(machine.drained(hasPieces: true)) == "append")
        #expect(name(machine.appended(kept, hasPieces: false)) == "draining")
        #expect(machine.isTorn)
    }

    private var kept: Result<AppendOutcome?, StoreError> {
        .success(.appended(tail: Offset(2), end: nil, producer: nil))
    }

    private var closed: Result<AppendOutcome?, StoreError> {
        .success(.appended(tail: Offset(2), end: end, producer: nil))
    }

    private func name(_ action: LiveAppendMachine.Action) -> String {
        switch action {
        case .wait: "wait"
        case .append(let closing): closing ? "append closing" : "append"
        case .giveUp: "give up"
        case .answer(let outcome):
            switch outcome {
            case .complete(let end): end.map { "complete \($0.reason)" } ?? "complete"
            case .stopped: "stopped"
            case .refused: "refused"
            case .failed: "failed"
            case .badPiece: "bad piece"
            case .draining: "draining"
            }
        }
    }
}
