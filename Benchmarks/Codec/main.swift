#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

// Compares the codec with the speed at which C finds line feeds, in one run, on a transcript in memory. The candidates
// take turns, so that a busy machine slows all of them alike; what counts is the processor time of the median turn.

/// The least share of memchr's speed at which lines must be found.
let leastShare = 0.55
let turns = 7

let transcript = try Transcript.bytes(count: 100_000_000)

func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func scanLines() -> Int {
    transcript.withUnsafeBytes { bytes in
        var sum = 0
        var cursor = LineCursor(bytes)
        while let line = cursor.next() {
            sum += line.count
        }
        return sum
    }
}

func parse(chunkSize: Int) -> Int {
    transcript.withUnsafeBytes { bytes in
        var sum = 0
        var parser = EventStreamParser()
        for start in stride(from: 0, to: bytes.count, by: chunkSize) {
            let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + chunkSize)])
            do {
                try parser.parse(chunk) { output in
                    if case .event(let event) = output { sum += event.data.utf8.count }
                }
            } catch {
                fatalError("\(error)")
            }
        }
        return sum
    }
}

/// Takes the whole transcript apart and writes it again.
let blocks: [EventBlock] = {
    var blocks: [EventBlock] = []
    var parser = EventStreamParser()
    let sample = Array(transcript[..<10_000_000])
    for output in (try? parser.parse(sample)) ?? [] {
        if case .event(let event) = output { blocks.append(EventBlock(event: event.type, id: "7", data: event.data)) }
    }
    return blocks
}()

func write() -> Int {
    let encoder = EventStreamEncoder()
    var sum = 0
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
        for block in blocks {
            do {
                guard try encoder.byteCount(of: block) <= buffer.count else { fatalError("a longer event than made") }
                sum += try encoder.write(block, into: buffer)
            } catch {
                fatalError("\(error)")
            }
        }
    }
    return sum
}

let candidates: [(name: String, bytes: Int?, run: () -> Int)] = [
    ("C memchr, LF", transcript.count, { transcript.withUnsafeBytes { scan_line_feeds($0.baseAddress, $0.count) } }),
    ("LineCursor: LF, CR, CRLF", transcript.count, scanLines),
    ("parser, one piece", transcript.count, { parse(chunkSize: transcript.count) }),
    ("parser, 64 KiB reads", transcript.count, { parse(chunkSize: 64 << 10) }),
    ("parser, 1400 B reads", transcript.count, { parse(chunkSize: 1400) }),
    ("encoder, count and write", nil, write),
]

var seconds = candidates.map { _ in [Double]() }
var sums = candidates.map { _ in 0 }
for _ in 0..<turns {
    for (index, candidate) in candidates.enumerated() {
        let start = processorSeconds()
        sums[index] = candidate.run()
        seconds[index].append(processorSeconds() - start)
    }
}
guard sums[0] == sums[1] else { fatalError("LineCursor found other lines than memchr") }

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

func rounded(_ number: Double) -> Double {
    (number * 100).rounded() / 100
}

let medians = seconds.map { $0.sorted()[turns / 2] }
let speeds = zip(candidates, zip(medians, sums)).map { candidate, measured in
    Double(candidate.bytes ?? measured.1) / measured.0 / 1e9
}
for (candidate, speed) in zip(candidates, speeds) {
    print(padded(candidate.name, 28), padded("\(rounded(speed)) GB/s", 12), "\(rounded(speed / speeds[0])) of memchr")
}
print("encoder: \(Int(medians[5] / Double(blocks.count) * 1e9)) ns an event")

guard speeds[1] / speeds[0] >= leastShare else {
    print("LineCursor is below \(leastShare) of memchr.")
    exit(1)
}
