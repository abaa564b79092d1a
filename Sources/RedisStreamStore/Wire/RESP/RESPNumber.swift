/// Numbers as RESP writes them. The standard library's own readers take more: hexadecimal floats, or a `+` before any
/// integer.
@available(freshet 0.1, *)
enum RESPNumber {
    /// - Returns: Nil for what is no integer of 64 bits.
    static func integer(_ bytes: some Collection<UInt8>) -> Int64? {
        var digits = bytes[...]
        var isNegative = false
        if let sign = digits.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            digits.removeFirst()
        }
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            // Downwards, where there is one number more.
            let (next, isOver) =
                isNegative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !isTooLarge, !isOver else { return nil }
            value = next
        }
        return value
    }

    /// Digits and nothing else, at most ten of them.
    static func decimal(_ bytes: ArraySlice<UInt8>) -> Int? {
        let isDecimal = bytes.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return isDecimal && bytes.count <= 10 ? integer(bytes).map { Int($0) } : nil
    }

    static func isInteger(_ bytes: [UInt8]) -> Bool {
        let digits =
            bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes[...]
        return !digits.isEmpty && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }

    /// `1`, `-1.5`, `1e-7`, `inf`, `-inf`, `nan`.
    static func double(_ bytes: [UInt8]) -> Double? {
        switch String(decoding: bytes, as: UTF8.self) {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        case let text:
            let isPlain = bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "e"), UInt8(ascii: "E"):
                    true
                default: false
                }
            }
            return isPlain ? Double(text) : nil
        }
    }
}
