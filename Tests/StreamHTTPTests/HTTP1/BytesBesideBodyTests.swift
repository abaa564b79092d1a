import NIOCore
import NIOHTTP1
import Testing

@testable import StreamHTTP

@Suite("Bytes beside a body")
struct BytesBesideBodyTests {
    private func counted(_ pieces: [(given: Int, parsed: [Int])]) -> Int {
        var beside = BytesBesideBody()
        var sum = 0
        beside.willParse(500)
        beside.parsed(.head(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")))
        for (given, parsed) in pieces {
            beside.willParse(given)
            for count in parsed { beside.parsed(.body(ByteBuffer(repeating: 0, count: count))) }
            sum += beside.take() ?? 0
        }
        return sum
    }

    @Test("the length of a chunk is none, however small the chunks are")
    func chunks() {
        #expect(counted([(6000, Array(repeating: 1, count: 1000)), (70, [64])]) == 0)
    }

    @Test("what a chunk says beside it counts, and so does what follows the last")
    func extensions() {
        #expect(counted([(5000, [1]), (5000, [1])]) == 10_000 - 2 * 21)
        #expect(counted([(6, [1]), (4000, [])]) == 4006 - 21)
    }

    @Test("it is told once, and not of what follows the body")
    func once() {
        var beside = BytesBesideBody()
        beside.parsed(.head(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")))
        beside.willParse(1000)
        #expect(beside.take() == 1000 && beside.take() == nil)
        beside.parsed(.end(nil))
        beside.willParse(1000)
        #expect(beside.take() == nil)
    }
}
