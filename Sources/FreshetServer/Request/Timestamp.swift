import StreamHTTP

/// Times as in RFC 3339, such as `2026-11-22T12:00:00.5+01:00`.
@available(freshet 0.1, *)
package enum Timestamp {
    /// Milliseconds since 1970, or nil when the text is no such time, lies before 1970, or is a
    /// leap second, which the milliseconds since 1970 do not count.
    package static func milliseconds(fromRFC3339 text: String) -> UInt64? {
        var scanner = Scanner(text)
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
            let day = scanner.number(2), scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
            let hour = scanner.number(2), scanner.skip(":"), let minute = scanner.number(2), scanner.skip(":"),
            let second = scanner.number(2)
        else { return nil }
        var milliseconds = 0
        if scanner.skip(".") {
            guard let fraction = scanner.fraction() else { return nil }
            milliseconds = fraction
        }
        var offset = 0
        if !(scanner.skip("Z") || scanner.skip("z")) {
            let sign = scanner.skip("+") ? 1 : scanner.skip("-") ? -1 : 0
            guard sign != 0, let hours = scanner.number(2), scanner.skip(":"), let minutes = scanner.number(2),
                hours < 24, minutes < 60
            else { return nil }
            offset = sign * (hours * 60 + minutes)
        }
        guard scanner.isAtEnd, (1...12).contains(month), (1...days(in: month, of: year)).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        let total = HTTPDate.daysSince1970(year, month, day) * 86400 + hour * 3600 + (minute - offset) * 60 + second
        guard total >= 0 else { return nil }
        return UInt64(total) * 1000 + UInt64(milliseconds)
    }

    /// The time in UTC, to the millisecond where there is a fraction.
    package static func text(milliseconds: UInt64) -> String {
        let seconds = milliseconds / 1000
        let (year, month, day) = HTTPDate.civilDate(Int(seconds / 86400))
        let rest = Int(seconds % 86400)
        let fraction = Int(milliseconds % 1000)
        // A page of a list has two thousand of them.
        return String(unsafeUninitializedCapacity: 32) { text in
            var count = 0
            func write(_ byte: UInt8) {
                text[count] = byte
                count += 1
            }
            func write(_ value: Int, place: Int, _ end: Unicode.Scalar) {
                var place = place
                while value / place >= 10 { place *= 10 }
                while place > 0 {
                    write(UInt8(ascii: "0") + UInt8(value / place % 10))
                    place /= 10
                }
                write(UInt8(ascii: end))
            }
            write(year, place: 1000, "-")
            write(month, place: 10, "-")
            write(day, place: 10, "T")
            write(rest / 3600, place: 10, ":")
            write(rest / 60 % 60, place: 10, ":")
            write(rest % 60, place: 10, fraction == 0 ? "Z" : ".")
            if fraction != 0 { write(fraction, place: 100, "Z") }
            return count
        }
    }

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private struct Scanner {
        private var rest: Substring.UTF8View

        init(_ text: String) {
            rest = text[...].utf8
        }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func number(_ count: Int) -> Int? {
            var value = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        /// The digits after a decimal point, in thousandths.
        mutating func fraction() -> Int? {
            guard let first = digit() else { return nil }
            var value = first * 100
            var weight = 10
            while let next = digit() {
                value += next * weight
                weight /= 10
            }
            return value
        }

        private mutating func digit() -> Int? {
            guard let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            rest = rest.dropFirst()
            return Int(byte - UInt8(ascii: "0"))
        }
    }
}
