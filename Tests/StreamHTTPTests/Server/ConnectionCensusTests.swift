import Locks
import Testing

@testable import StreamHTTP

@Suite("How many connections there are")
struct ConnectionCensusTests {
    private let closed = Closed()

    @Test("one too many of one address is refused, others are not")
    func perAddress() {
        let census = ConnectionCensus(ConnectionLimits(connections: 100, perAddress: 1))
        let first = enter(census, "a")
        let second = enter(census, "a")
        #expect(first.refusal == nil && second.refusal == .tooManyFromAddress)
        #expect(enter(census, "b").refusal == nil)
        census.leave(first)
        census.leave(second)
        #expect(enter(census, "a").refusal == nil)
        #expect(census.total == 2)
    }

    @Test("beyond the limit everybody is told why, and who was told first makes room for who comes next")
    func total() {
        let census = ConnectionCensus(ConnectionLimits(connections: 10, perAddress: 0))
        for _ in 0..<10 { #expect(enter(census, "a").refusal == nil) }
        let refused = (0..<65).map { enter(census, "a", "\($0)") }
        #expect(refused.allSatisfy { $0.refusal == .tooManyConnections })
        #expect(closed.names == [] && census.total == 75)
        #expect(enter(census, "b").refusal == .tooManyConnections)
        #expect(closed.names == ["0"] && census.total == 75)
        // It was counted out with its eviction; one that leaves by itself makes room.
        census.leave(refused[0])
        census.leave(refused[1])
        #expect(enter(census, "b").refusal == .tooManyConnections)
        #expect(closed.names == ["0"] && census.total == 75)
    }

    @Test("who is refused takes no place of those who are served")
    func refusedTakeNoPlace() {
        let census = ConnectionCensus(ConnectionLimits(connections: 1, perAddress: 0))
        let served = enter(census, "a")
        for _ in 0..<20 { _ = enter(census, "a") }
        census.leave(served)
        #expect(enter(census, "b").refusal == nil)
    }

    @Test("without descriptors everybody who comes is refused, and those who are there stay")
    func scarce() {
        let census = ConnectionCensus(ConnectionLimits(connections: 100, perAddress: 0))
        let served = enter(census, "a", "served")
        census.isScarce = true
        for number in 0..<9 { #expect(enter(census, "a", "\(number)").refusal == .tooManyConnections) }
        #expect(closed.names == ["0"])
        census.isScarce = false
        #expect(enter(census, "a").refusal == nil)
        census.leave(served)
    }

    @Test("accepting rests when as many are open as there are descriptors for, and goes on when one is closed")
    func ceiling() {
        let limits = ConnectionLimits(connections: 1, perAddress: 0)
        let census = ConnectionCensus(limits)
        for _ in 1..<limits.descriptors { #expect(!census.accepted()) }
        #expect(census.accepted())
        #expect(census.closed())
        #expect(!census.closed())
        #expect(!census.accepted())
        #expect(census.accepted())
    }

    private func enter(_ census: ConnectionCensus, _ address: String, _ name: String = "") -> ConnectionCensus.Entry {
        census.enter(address) { [closed] in closed.add(name) }
    }
}

private final class Closed: Sendable {
    private let state = Mutex<[String]>([])

    var names: [String] { state.withLock(\.self) }

    func add(_ name: String) { state.withLock { $0.append(name) } }
}
