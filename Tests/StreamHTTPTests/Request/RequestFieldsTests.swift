import Testing

@testable import StreamHTTP

@Suite("Fields of a request")
struct RequestFieldsTests {
    @Test("a name is found whatever its case, and no other of its length and first letter")
    func names() {
        let fields: RequestFields = ["hOST": "a", "Hoax": "b", "Accept": "c", "ACCEPT": "d"]
        #expect(fields["Host"] == ["a"])
        #expect(fields["hoax"] == ["b"])
        #expect(fields["Hose"] == [])
        #expect(fields["accept"] == ["c", "d"])
        #expect(fields.first(name: "Accept") == "c")
        #expect(fields.first(name: "Cookie") == nil)
        // A letter's case is a bit that tells two other characters apart.
        #expect(RequestFields([("^x", "a")])["~x"] == [])
    }

    @Test("how often a name stands is told, with the value of the first")
    func counted() {
        let fields: RequestFields = ["Host": "a", "x": "b", "HOST": "c", "Hoax": "d"]
        #expect(fields.count(name: "host") == 2 && fields.count(name: "X") == 1)
        #expect(fields.count(name: "Hose") == 0 && fields.count(name: "none") == 0)
        let host = fields.firstCounted(name: "hOST")
        #expect(host?.value == "a" && host?.count == 2)
        let other = fields.firstCounted(name: "X")
        #expect(other?.value == "b" && other?.count == 1)
        #expect(fields.firstCounted(name: "Hose") == nil && fields.firstCounted(name: "none") == nil)
    }

    @Test("a field that takes the place of others is found, also where there was none")
    func replaced() {
        var fields: RequestFields = ["A": "1", "Host": "2", "host": "3"]
        fields.replace(name: "HOST", with: "4")
        fields.replace(name: "Origin", with: "5")
        #expect(fields.map(\.name) == ["A", "HOST", "Origin"])
        #expect(fields["host"] == ["4"])
        #expect(fields["origin"] == ["5"])
    }

    @Test("the first name that stands twice is told, of those asked for")
    func repeated() {
        let fields: RequestFields = ["b": "1", "a": "1", "B": "2", "A": "3"]
        #expect(fields.firstRepeated { _ in true } == "B")
        #expect(fields.firstRepeated { $0 == "A" } == "A")
        #expect(fields.firstRepeated { $0 == "a" } == nil)
        let alike: RequestFields = ["bx": "1", "by": "2"]
        #expect(alike.firstRepeated { _ in true } == nil)
    }
}
