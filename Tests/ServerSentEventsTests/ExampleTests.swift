import ServerSentEvents
import Testing

@Suite("The examples of the documentation")
struct ExampleTests {
    @Test("The parser's example finds its event")
    func parser() throws {
        var printed: [String] = []
        var parser = EventStreamParser()
        for output in try parser.parse(Array("id: 1\ndata: Hello\n\n".utf8)) {
            if case .event(let event) = output {
                printed += [event.data, event.lastEventID]
            }
        }
        parser.finish()
        #expect(printed == ["Hello", "1"])
    }

    @Test("The encoder's example gives the bytes it says")
    func encoder() throws {
        let encoder = EventStreamEncoder()
        let bytes = try encoder.encode(EventBlock(event: "token", id: "7", data: "Hello"))
        #expect(String(decoding: bytes, as: UTF8.self) == "event: token\nid: 7\ndata: Hello\n\n")
    }
}
