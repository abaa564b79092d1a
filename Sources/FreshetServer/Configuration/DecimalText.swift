/// Numbers as settings are written: ASCII digits, nothing else. `Int(_:)` would take `+5` too.
@available(freshet 0.1, *)
enum DecimalText {
    static func whole(_ digits: Substring.UTF8View) -> Int? {
        guard 1...18 ~= digits.count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// `10`, `0.25`: seconds down to the millisecond.
    static func seconds(_ text: String) -> Duration? {
        let parts = text[...].utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, let seconds = whole(parts[0]), seconds <= 1_000_000_000_000 else {
            return nil
        }
        guard parts.count == 2 else {
            return .seconds(seconds)
        }
        guard parts[1].count <= 3, let fraction = whole(parts[1]) else {
            return nil
        }
        let scale = [1: 100, 2: 10, 3: 1][parts[1].count] ?? 1
        return .seconds(seconds) + .milliseconds(fraction * scale)
    }

    static func seconds(_ duration: Duration) -> String {
        let (seconds, rest) = milliseconds(duration).quotientAndRemainder(dividingBy: 1000)
        guard rest != 0 else {
            return String(seconds)
        }
        var fraction = String(1000 + rest).dropFirst()
        while fraction.last == "0" {
            fraction.removeLast()
        }
        return "\(seconds).\(fraction)"
    }

    /// From `0` to `1`, down to the millionth: `0.25`.
    static func share(_ text: String) -> Double? {
        let parts = text[...].utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = whole(parts[0]), whole <= 1 else { return nil }
        guard parts.count == 2 else { return Double(whole) }
        guard parts[1].count <= 6, var millionths = Self.whole(parts[1]) else { return nil }
        for _ in parts[1].count..<6 { millionths *= 10 }
        guard whole == 0 || millionths == 0 else { return nil }
        return Double(whole) + Double(millionths) / 1_000_000
    }

    static func share(_ share: Double) -> String {
        let millionths = Int((share * 1_000_000).rounded())
        guard 1..<1_000_000 ~= millionths else { return millionths <= 0 ? "0" : "1" }
        var fraction = String(1_000_000 + millionths).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "0.\(fraction)"
    }

    static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
