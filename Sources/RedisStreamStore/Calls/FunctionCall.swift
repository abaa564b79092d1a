import NIOCore
import StreamCore

/// A call of one of the functions, while it is written.
///
/// `FCALL function keys… now arguments…`, as the contract of the functions says.
@available(freshet 0.1, *)
struct FunctionCall {
    private(set) var command: RedisCommand

    /// - Parameters:
    ///   - base: what all keys begin with.
    ///   - suffixes: what each ends with.
    init(
        _ function: String,
        reading: Bool = false,
        base: [UInt8],
        _ suffixes: [String],
        at now: UInt64?,
        reserving bytes: Int = 256
    ) {
        self.init(function, reading: reading, keys: suffixes.count, reserving: bytes)
        for suffix in suffixes {
            command.add(byteCount: base.count + suffix.utf8.count) { buffer in
                buffer.writeBytes(base)
                buffer.writeString(suffix)
            }
        }
        add(now)
    }

    init(_ function: String, keys: [[UInt8]], at now: UInt64?) {
        self.init(function, reading: false, keys: keys.count, reserving: 256)
        for key in keys { command.add(key) }
        add(now)
    }

    private init(_ function: String, reading: Bool, keys: Int, reserving bytes: Int) {
        command = RedisCommand(reading ? "FCALL_RO" : "FCALL", reserving: bytes)
        command.add(function)
        command.add(keys)
    }

    /// Nothing stands for Redis's own clock.
    private mutating func add(_ now: UInt64?) { if let now { command.add(now) } else { addNothing() } }

    mutating func addNothing() { command.add("") }
    mutating func add(_ text: String?) { if let text { command.add(text) } else { addNothing() } }
    mutating func add(_ number: Int?) { if let number { command.add(number) } else { addNothing() } }
    mutating func add(_ number: UInt64) { command.add(number) }
    mutating func add(_ bytes: [UInt8]) { command.add(bytes) }
    mutating func add(_ offset: Offset?) { if let offset { command.add(offset.decimal) } else { addNothing() } }

    /// An end that is asked for, without its offset.
    mutating func add(_ end: EndRequest?) {
        guard let end else { return addNothing() }
        command.add(end.detail.map { "\(end.reason.rawValue) \($0)" } ?? end.reason.rawValue)
    }

    /// Events, each run of them as a field and its value.
    mutating func add(_ events: EventBatch, cut cutter: RunCutter) {
        for range in cutter.runs(of: events) { add(events[range]) }
    }

    mutating func add(_ run: EventBatch) {
        command.add("\(run.count):\(run.size)")
        let head = PackedRun.head(of: run)
        let contents = run.contents
        command.add(byteCount: head.count + contents.count) { buffer in
            buffer.writeBytes(head)
            buffer.writeBytes(contents)
        }
    }
}
