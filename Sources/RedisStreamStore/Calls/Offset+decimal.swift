import StreamCore

/// Offsets as Redis has the ids of a stream's entries.
@available(freshet 0.1, *)
extension Offset {
    var decimal: String { "\(milliseconds)-\(counter)" }

    /// Nil when it is no offset.
    init?(decimal bytes: some Collection<UInt8>) {
        var numbers: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var isSecond = false
        for byte in bytes {
            if byte == UInt8(ascii: "-"), !isSecond, digits > 0 {
                isSecond = true
                digits = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            // Far more than 48 bits need, and less than would overflow.
            guard digit < 10, digits < 18 else { return nil }
            digits += 1
            if isSecond {
                numbers.1 = numbers.1 * 10 + UInt64(digit)
            } else {
                numbers.0 = numbers.0 * 10 + UInt64(digit)
            }
        }
        guard isSecond, digits > 0, numbers.0 <= Self.maximumMilliseconds, numbers.1 <= UInt64(Self.maximumCounter)
        else {
            return nil
        }
        self.init(milliseconds: numbers.0, counter: UInt32(numbers.1))
    }
}

@available(freshet 0.1, *)
extension StreamEnd {
    /// `<offset> <reason>`, and behind another space the detail where there is one. Nil when it is no end.
    init?(wire bytes: some Collection<UInt8>) {
        let parts = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let offset = Offset(decimal: parts[0]),
            let reason = EndReason(rawValue: String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        let detail = parts.count == 3 ? String(decoding: parts[2], as: UTF8.self) : nil
        self.init(reason: reason, detail: detail, offset: offset)
    }

    var wire: String { "\(offset.decimal) \(reason.rawValue)" + (detail.map { " \($0)" } ?? "") }
}
