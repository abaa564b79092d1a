import Testing

@testable import RedisStreamStore

@Suite("A value of RESP3")
struct RESPValueTests {
    private func bulk(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    @Test("is a number, where it is one or says one")
    func integers() {
        #expect(RESPValue.integer(-5).integer == -5)
        #expect(bulk("42").integer == 42 && RESPValue.simple([0x37]).integer == 7)
        for text in ["", "-", "4 2", "4.2", "0x2", "٣"] { #expect(bulk(text).integer == nil) }
        #expect(RESPValue.null.integer == nil && RESPValue.double(1).integer == nil)
    }

    @Test("is looked up in maps, and in arrays that are written as one")
    func keys() {
        let map = RESPValue.map([RESPPair(bulk("a"), .integer(1)), RESPPair(bulk("b"), .null)])
        let array = RESPValue.array([bulk("a"), .integer(1), bulk("b"), .null, bulk("odd")])
        for value in [map, array] {
            #expect(value["a"] == .integer(1) && value["b"] == .null && value["c"] == nil && value["odd"] == nil)
        }
        #expect(
            RESPValue.array([])["a"] == nil && RESPValue.null["a"] == nil && RESPValue.array([bulk("a")])["a"] == nil
        )
        #expect(map.elements == [bulk("a"), .integer(1), bulk("b"), .null])
    }
}
