import Testing

@testable import StreamHTTP

@Suite("How many connections a limit of open files leaves")
struct ConnectionLimitsTests {
    private let wanted = ConnectionLimits(connections: 10_000, perAddress: 1000)

    @Test("as many as were set, where there is room for them, and one less where that is one descriptor short")
    func edge() {
        #expect(wanted.fitting(wanted.descriptors) == wanted)
        #expect(wanted.fitting(wanted.descriptors - 1)?.connections ?? 0 < wanted.connections + wanted.courtesy)
        #expect(wanted.fitting(wanted.descriptors - 1) != wanted)
    }

    @Test("what fits takes no more than there is, whatever the room", arguments: 48...3000)
    func fits(room: Int) throws {
        let fitted = try #require(wanted.fitting(room))
        #expect(fitted.descriptors <= room)
        #expect(fitted.connections > 0 && fitted.courtesy > 0 && fitted.perAddress > 0)
        #expect(fitted.perAddress < fitted.connections)
    }

    @Test("none where there is no room to serve anybody")
    func none() {
        #expect(wanted.fitting(47) == nil)
        #expect(wanted.fitting(-10) == nil)
    }

    @Test("one address may have all of them only where it might before")
    func perAddress() {
        #expect(ConnectionLimits(connections: 1000, perAddress: 1000).fitting(200)?.perAddress == 147)
        #expect(ConnectionLimits(connections: 1000, perAddress: 0).fitting(200)?.perAddress == 0)
        #expect(ConnectionLimits(connections: 1000, perAddress: 5).fitting(200)?.perAddress == 5)
        #expect(ConnectionLimits(connections: 1000, perAddress: 999).fitting(200)?.perAddress == 129)
    }

    @Test("what is open, promised and kept in reserve is not for connections")
    func room() {
        #expect(ConnectionLimits.room(limit: 256, open: 40, elsewhere: 0) == 184)
        #expect(ConnectionLimits.room(limit: 1024, open: 40, elsewhere: 256) == 672)
        #expect(ConnectionLimits.room(limit: .max, open: 40, elsewhere: 1000) > 1 << 40)
        #expect(ConnectionLimits.room(limit: 64, open: 60, elsewhere: 0) < 0)
    }

    @Test("the open files are counted")
    func count() {
        // Others open and close some meanwhile; standard input, output and error are there.
        #expect(OpenFiles.count ?? 0 >= 3)
        #expect(OpenFiles.limit > 3)
    }
}
