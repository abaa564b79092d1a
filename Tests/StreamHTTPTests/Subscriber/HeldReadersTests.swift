import StreamCore
import StreamHTTP
import Testing

@Suite("Readers that wait for streams that do not exist")
struct HeldReadersTests {
    @Test("are bounded in names and in readers, and make room when they leave")
    func bounds() throws {
        let held = HeldReaders(names: 2, readers: 3)
        let (a, b, c) = (try StreamName("a"), try StreamName("b"), try StreamName("c"))
        #expect(held.take(a))
        #expect(held.take(b))
        #expect(!held.take(c), "a third name")
        #expect(held.take(a), "a known name is no further one")
        #expect(!held.take(b), "a fourth reader")
        held.give(back: b)
        #expect(held.take(c))
        held.give(back: b)
        #expect(!held.take(c), "what was not taken is not given back")
    }
}
