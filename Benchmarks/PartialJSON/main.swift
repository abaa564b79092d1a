import Foundation

// What it costs to look at a JSON value after every few bytes of it, beside parsing all that has arrived once more each
// time, which is what one does with a parser of whole values. The candidates take turns in one run, so that a busy
// machine slows all of them alike; what counts is the processor time of the median turn.

/// The most that a byte of the long text may cost beside one of the short: linear work costs 1.
let greatestGrowth = 3.0
let turns = 5
let pieceBytes = 4

/// What a model writes for a tool: a long text, and many small values.
func arguments(bytes: Int) -> [UInt8] {
    let story = #"Once upon a time there was a café in 東京, and \"every word\" was one event.\n"#
    let row = #"{"id":123456,"name":"row","exact":true,"tags":["a","b"],"score":0.875},"#
    let text = String(repeating: story, count: bytes / 2 / story.utf8.count)
    let rows = String(repeating: row, count: bytes / 2 / row.utf8.count)
    return Array(#"{"story":"\#(text)","rows":[\#(rows)null]}"#.utf8)
}

func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Parses the text in pieces; `look` sees the parser after each.
func parse(_ text: [UInt8], pieceBytes: Int, look: (PartialJSONParser) -> Void) {
    var parser = PartialJSONParser(limits: .init(bytes: .max))
    do {
        try text.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(pieceBytes)))
                look(parser)
            }
        }
        guard try parser.finish().isComplete else { fatalError("the value is not complete") }
    } catch {
        fatalError("\(error)")
    }
}

/// Keeps every value until the next one is there, as a page that shows it does.
func parseShowing(_ text: [UInt8]) {
    var shown: JSONValue?
    parse(text, pieceBytes: pieceBytes) { shown = $0.value }
    guard shown != nil else { fatalError("nothing was shown") }
}

/// Closes what is open as `value` means it, and has Foundation parse that from its start, each time. The closing is not
/// counted: the text is closed beforehand.
func reparse(_ prefixes: [Data]) {
    for prefix in prefixes {
        guard (try? JSONDecoder().decode(Skipped.self, from: prefix)) != nil else { fatalError("not JSON") }
    }
}

/// Decodes nothing, so that Foundation's cost is that of its parser alone.
struct Skipped: Decodable {
    init(from decoder: any Decoder) {}
}

struct Candidate {
    let name: String
    let bytes: Int
    let run: () -> Void
    var seconds: [Double] = []

    var perByte: Double { seconds.sorted()[seconds.count / 2] / Double(bytes) }
}

let (short, long) = (arguments(bytes: 16_000), arguments(bytes: 4_000_000))
var prefixes: [Data] = []
parse(short, pieceBytes: pieceBytes) { parser in
    if let value = parser.value { prefixes.append(Data(value.description.utf8)) }
}

var candidates = [
    Candidate(name: "16 kB, a value every 4 bytes", bytes: short.count * 50) { for _ in 0..<50 { parseShowing(short) } },
    Candidate(name: "16 kB, Foundation every 4 bytes", bytes: short.count) { reparse(prefixes) },
    Candidate(name: "4 MB, a value every 4 bytes", bytes: long.count) { parseShowing(long) },
    Candidate(name: "4 MB in pieces of 4 bytes", bytes: long.count) { parse(long, pieceBytes: pieceBytes) { _ in } },
    Candidate(name: "4 MB in one piece", bytes: long.count) { parse(long, pieceBytes: .max) { _ in } },
    Candidate(name: "4 MB, Foundation in one piece", bytes: long.count) { reparse([Data(long)]) },
]
for _ in 0..<turns {
    for index in candidates.indices {
        let start = processorSeconds()
        candidates[index].run()
        candidates[index].seconds.append(processorSeconds() - start)
    }
}

for candidate in candidates {
    let name = candidate.name.padding(toLength: 34, withPad: " ", startingAt: 0)
    print(name, String(format: "%9.2f MB/s", 1e-6 / candidate.perByte))
}
let growth = candidates[2].perByte / candidates[0].perByte
print(String(format: "A value every 4 bytes of 16 kB: %.0f times as fast as Foundation from the start each time.",
    candidates[1].perByte / candidates[0].perByte))
print(String(format: "A whole text: %.2f times the speed of Foundation.", candidates[5].perByte / candidates[4].perByte))
print(String(format: "A byte of 4 MB costs %.2f times one of 16 kB (at most %.1f).", growth, greatestGrowth))
if growth > greatestGrowth {
    print("FAILED: the cost grows with the text.")
    exit(1)
}
