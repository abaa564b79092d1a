import StoreSuite
import StreamCore
import Testing

@Suite("Lines of NDJSON")
struct LinesTests {
    private static let good = ["1", #"{"a":[2,"\n"]}"#, "\"é\"", " 3\t"]
    private static let blank = ["", " ", "\t "]
    private static let bad = ["[", "tru", "1 2"]

    /// What was cut of a body that came in pieces, and what was wrong with it.
    private func cut(_ body: [UInt8], _ random: inout SeededRandom) throws -> (
        events: [EventBody], failure: PieceError?
    ) {
        var cutter = try #require(PieceCutter(kind: .ndjson, limits: PieceLimits()))
        var failure: PieceError?
        var start = 0
        do throws(PieceError) {
            while start < body.count {
                let end = min(body.count, start + Int.random(in: 1...9, using: &random))
                try cutter.feed(body, start..<end)
                start = end
            }
            try cutter.finish()
        } catch {
            failure = error
        }
        return (Array(cutter.takePieces()), failure)
    }

    @Test("are cut alike wherever the body is torn, up to one that is no JSON", arguments: 0..<200 as Range<UInt64>)
    func torn(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var body: [UInt8] = []
        var events: [EventBody] = []
        var failing: Int?
        let count = Int.random(in: 1...40, using: &random)
        for number in 1...count {
            let choice = Int.random(in: 0..<40, using: &random)
            let kind = choice == 0 ? Self.bad : choice < 10 ? Self.blank : Self.good
            let line = kind.randomElement(using: &random) ?? ""
            body += Array(line.utf8)
            let isEnded = number < count || Bool.random(using: &random)
            if isEnded { body += Array((Bool.random(using: &random) ? "\r\n" : "\n").utf8) }
            guard failing == nil else { continue }
            if choice == 0 { failing = number }
            if choice >= 10 { events.append(EventBody(line)) }
        }
        let (found, failure) = try cut(body, &random)
        #expect(found == events)
        if let failing {
            guard case .invalidJSON(line: failing, reason: _)? = failure else {
                Issue.record("line \(failing): \(String(describing: failure))")
                return
            }
        } else {
            #expect(failure == nil)
            guard !events.isEmpty else { return }
            #expect(Array(try AtomicBody.events(of: body, kind: .ndjson, limits: PieceLimits())) == events)
        }
    }

    @Test("are bounded each, in one piece or in several")
    func bounds() throws {
        let limits = PieceLimits(lineBytes: 5)
        for (body, isTooLong) in [("12345\n1", false), ("123456\n1", true), ("1\n123456", true), ("1\n12345", false)] {
            for size in 1...8 {
                var cutter = try #require(PieceCutter(kind: .ndjson, limits: limits))
                let bytes = Array(body.utf8)
                var failure: PieceError?
                do throws(PieceError) {
                    for start in stride(from: 0, to: bytes.count, by: size) {
                        try cutter.feed(bytes, start..<min(bytes.count, start + size))
                    }
                    try cutter.finish()
                } catch {
                    failure = error
                }
                #expect(failure == (isTooLong ? .lineTooLong(limit: 5) : nil), "\(body) by \(size)")
            }
        }
    }
}
