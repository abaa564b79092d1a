import Locks
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("A right is asked about again where a program decides")
struct HeldRightTests {
    /// A program that changes its mind.
    private final class Program: Sendable {
        let rounds = AskingRounds()
        private let word = Mutex<Result<Admission, Problem>>(.failure(.notKnown()))

        func says(_ word: Result<Admission, Problem>) { self.word.withLock { $0 = word } }

        func right() throws -> HeldRight {
            let asking = Asking(rounds.current, of: rounds) { [self] in word.withLock(\.self) }
            return HeldRight(.read, "a", of: try admission().get(), by: AuthenticatorChain([]), asking)
        }

        func admission(_ prefix: String = "a", expires: Int64? = nil) throws -> Result<Admission, Problem> {
            let caller = Caller(name: "ann", grants: [Caller.Grant(.read, [.beginning(with: prefix)])])
            return .success(Admission(caller: caller, credential: .program, expires: expires))
        }
    }

    @Test("who may still goes on, until the end that is said now")
    func goesOn() async throws {
        let program = Program()
        let right = try program.right()
        #expect(right.expires == nil && right.stillHolds && !right.isOutdated)
        program.says(try program.admission(expires: 7))
        let renewed = try #require(await right.askedAgain())
        #expect(renewed.expires == 7 && renewed.stillHolds)
    }

    @Test("who is refused, or has another right, does not")
    func ends() async throws {
        let program = Program()
        let right = try program.right()
        #expect(await right.askedAgain() == nil)
        program.says(try program.admission("b"))
        #expect(await right.askedAgain() == nil)
    }

    @Test("a program that fails takes nothing away, and is not asked without end")
    func failure() async throws {
        let program = Program()
        let right = try program.right()
        program.says(.failure(Problem(RequestFailure.broken)))
        program.rounds.begin()
        #expect(right.isOutdated)
        let renewed = try #require(await right.askedAgain())
        #expect(renewed.stillHolds && !renewed.isOutdated)
    }

    @Test("an answer from before all are asked about is outdated by that")
    func rounds() async throws {
        let program = Program()
        program.says(try program.admission())
        let right = try program.right()
        program.rounds.begin()
        #expect(right.isOutdated)
        let renewed = try #require(await right.askedAgain())
        #expect(!renewed.isOutdated)
        program.rounds.begin()
        #expect(renewed.isOutdated)
    }

    @Test("where nothing decides anew a right is what it was")
    func key() async throws {
        let program = Program()
        let right = HeldRight(.read, "a", of: try program.admission().get(), by: AuthenticatorChain([]))
        #expect(await right.askedAgain() === right && !right.isOutdated)
    }
}
