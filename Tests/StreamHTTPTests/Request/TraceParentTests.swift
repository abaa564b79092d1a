import Testing

@testable import StreamHTTP

@Suite("The trace of a request")
struct TraceParentTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    @Test("a field of this version, or of a later one, names it")
    func named() {
        for value in [
            "00-\(Self.trace)-\(Self.parent)-01", "00-\(Self.trace)-\(Self.parent)-00",
            "00-\(Self.trace)-\(Self.parent)-ff", "01-\(Self.trace)-\(Self.parent)-01",
            "fe-\(Self.trace)-\(Self.parent)-01-what-comes-later",
        ] {
            #expect(TraceParent.traceID(in: ["Traceparent": value]) == Self.trace, "\(value)")
        }
    }

    @Test("it names the caller's span, and says whether the trace is recorded")
    func parent() throws {
        let flags = [("00", false), ("01", true), ("02", false), ("03", true), ("fa", false), ("0b", true)]
        for (flags, isSampled) in flags {
            let parent = try #require(TraceParent("00-\(Self.trace)-\(Self.parent)-\(flags)"))
            #expect(parent.traceID == Self.trace && parent.parentID == Self.parent)
            #expect(parent.isSampled == isSampled, "\(flags)")
        }
    }

    @Test("one that breaks the rules is none")
    func broken() {
        let zeros = String(repeating: "0", count: 32)
        for value in [
            "", "00", "00-\(Self.trace)-\(Self.parent)", "00-\(Self.trace)-\(Self.parent)-1",
            "00-\(Self.trace)-\(Self.parent)-01-", "00-\(Self.trace)-\(Self.parent)-01-more",
            "00-\(Self.trace)-\(Self.parent)-011", "ff-\(Self.trace)-\(Self.parent)-01",
            "01-\(Self.trace)-\(Self.parent)-01.more", "00-\(zeros)-\(Self.parent)-01",
            "00-\(Self.trace)-0000000000000000-01", "00-\(Self.trace.uppercased())-\(Self.parent)-01",
            "0g-\(Self.trace)-\(Self.parent)-01", "00-\(Self.trace)-\(Self.parent)-0x",
            "00_\(Self.trace)_\(Self.parent)_01", " 00-\(Self.trace)-\(Self.parent)-01",
            "00-\(Self.trace.dropLast())é-\(Self.parent)-01",
            "01-\(Self.trace)-\(Self.parent)-01-" + String(repeating: "a", count: 1000),
        ] {
            #expect(TraceParent.traceID(in: ["traceparent": value]) == nil, "\(value)")
        }
    }

    @Test("of two fields nobody knows which counts")
    func repeated() {
        let value = "00-\(Self.trace)-\(Self.parent)-01"
        #expect(TraceParent.traceID(in: ["traceparent": value, "Traceparent": value]) == nil)
        #expect(TraceParent.traceID(in: [:]) == nil)
    }
}
