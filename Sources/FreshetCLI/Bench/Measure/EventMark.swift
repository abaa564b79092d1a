import Foundation
import NIOCore

/// What an event of `freshet bench` begins with: when it was due, by which clock. It is one line of JSON, so that a stream
/// of NDJSON takes it.
@available(freshet 0.1, *)
struct EventMark: Equatable {
    /// The fewest bytes that an event has: as many as the longest mark.
    static let leastBytes = 96

    /// Which clock it is, so that times of another machine, or of one before its restart, are not taken for ours.
    var clock: UInt32
    /// The number of the event in its run.
    var sequence: UInt64
    /// When it was due, in nanoseconds of the monotonic clock.
    var due: UInt64

    /// The clock of this machine since its start: of this process alone where the system has no name for that.
    static let thisClock: UInt32 = {
        guard let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8) else {
            return .random(in: 0 ... .max)
        }
        // FNV-1a.
        return boot.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }()

    private static let opening = Array(#"{"bench":"#.utf8)
    private static let sequenceMember = Array(#","sequence":"#.utf8)
    private static let dueMember = Array(#","due":"#.utf8)
    private static let fillMember = Array(#","fill":""#.utf8)

    /// The event as a line, with its LF.
    ///
    /// - Parameter bytes: How long it is, the LF included; at least ``leastBytes``.
    func line(bytes: Int) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(bytes)
        line += Self.opening
        line += "\(clock)".utf8
        line += Self.sequenceMember
        line += "\(sequence)".utf8
        line += Self.dueMember
        line += "\(due)".utf8
        line += Self.fillMember
        line += repeatElement(UInt8(ascii: "x"), count: max(0, bytes - line.count - 3))
        line += #""}"#.utf8
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// The mark of an event's data; nil if it has none.
    static func parse(_ data: some Sequence<UInt8>) -> EventMark? {
        // A long event's fill is none of this.
        var rest = Array(data.prefix(leastBytes))[...]
        guard let clock = number(after: opening, &rest), let narrow = UInt32(exactly: clock),
            let sequence = number(after: sequenceMember, &rest), let due = number(after: dueMember, &rest),
            rest.starts(with: fillMember)
        else { return nil }
        return EventMark(clock: narrow, sequence: sequence, due: due)
    }

    private static func number(after text: [UInt8], _ rest: inout ArraySlice<UInt8>) -> UInt64? {
        guard rest.starts(with: text) else { return nil }
        rest = rest.dropFirst(text.count)
        var value: UInt64 = 0
        var digits = 0
        while let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (tenfold, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflows, !carries else { return nil }
            value = sum
            digits += 1
            rest = rest.dropFirst()
        }
        return digits > 0 ? value : nil
    }
}

/// The clock of all times of a run, in nanoseconds.
@available(freshet 0.1, *)
enum BenchClock {
    static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }
}
