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

/// Parses each text from its start with `JSONSerialization`. Closing what is open is not counted: it is done
/// beforehand.
func parseWithFoundation(_ texts: [Data]) {
    for text in texts {
        guard (try? JSONSerialization.jsonObject(with: text)) != nil else { fatalError("not JSON") }
    }
}

/// The same with `JSONDecoder`.
func decodeWithFoundation(_ texts: [Data]) {
    for text in texts {
        guard (try? JSONDecoder().decode(Arguments.self, from: text)) != nil else { fatalError("not JSON") }
    }
}

struct Arguments: Decodable {
    struct Row: Decodable {
        let id: Int?
        let name: String?
        let exact: Bool?
        let tags: [String]?
        let score: Double?
    }

    let story: String?
    let rows: [Row?]?
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
    Candidate(name: "16 kB, a value every 4 bytes", bytes: short.count * 50) {
        for _ in 0..<50 { parseShowing(short) }
    },
    Candidate(name: "16 kB, JSONSerialization every 4", bytes: short.count) { parseWithFoundation(prefixes) },
    Candidate(name: "16 kB, JSONDecoder every 4", bytes: short.count) { decodeWithFoundation(prefixes) },
    Candidate(name: "4 MB, a value every 4 bytes", bytes: long.count) { parseShowing(long) },
    Candidate(name: "4 MB in pieces of 4 bytes", bytes: long.count) { parse(long, pieceBytes: pieceBytes) { _ in } },
    Candidate(name: "4 MB in one piece", bytes: long.count) { parse(long, pieceBytes: .max) { _ in } },
    Candidate(name: "4 MB, JSONSerialization, one piece", bytes: long.count) { parseWithFoundation([Data(long)]) },
    Candidate(name: "4 MB, JSONDecoder, one piece", bytes: long.count) { decodeWithFoundation([Data(long)]) },
]
for _ in 0..<turns {
    for index in candidates.indices {
        let start = processorSeconds()
        candidates[index].run()
        candidates[index].seconds.append(processorSeconds() - start)
    }
}

for candidate in candidates {
    let name = candidate.name.padding(toLength: 36, withPad: " ", startingAt: 0)
    print(name, String(format: "%9.2f MB/s", 1e-6 / candidate.perByte))
}
let costs = candidates.map(\.perByte)
print(
    String(
        format: """
            A value every 4 bytes of 16 kB: %.0f times as fast as JSONSerialization, %.0f times as fast as JSONDecoder, \
            from the start each time.
            A whole text: %.2f times the speed of JSONSerialization, %.2f times that of JSONDecoder.
            A byte of 4 MB costs %.2f times one of 16 kB (at most %.1f).
            """,
        costs[1] / costs[0],
        costs[2] / costs[0],
        costs[6] / costs[5],
        costs[7] / costs[5],
        costs[3] / costs[0],
        greatestGrowth
    )
)
if costs[3] / costs[0] > greatestGrowth {
    print("FAILED: the cost grows with the text.")
    exit(1)
}
