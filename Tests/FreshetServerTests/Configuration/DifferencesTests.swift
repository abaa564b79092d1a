import FreshetServer
import Testing

@Suite struct DifferencesTests {
    @Test func whatDiffersIsNamed() {
        var one = ServerConfiguration()
        var other = ServerConfiguration()
        #expect(one.differences(from: other).isEmpty)
        one.port = 1
        one.hosts = ["a.example"]
        other.hosts = ["b.example"]
        #expect(one.differences(from: other) == ["hosts", "port"])
        #expect(other.differences(from: one) == ["hosts", "port"])
    }
}
