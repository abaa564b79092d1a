/// Bytes in 64 characters (RFC 4648).
@available(freshet 0.1, *)
package enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The standard alphabet with padding (section 4).
    package static func encode(_ bytes: [UInt8]) -> [UInt8] { encode(bytes, standard, padding: UInt8(ascii: "=")) }

    /// What goes into header fields and cookies as it is: the alphabet for URLs (section 5) without the padding.
    package static func urlText(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: encode(Array(bytes), url, padding: nil), as: UTF8.self)
    }

    /// Bytes of the standard alphabet, with or without its padding; line ends are passed over. Nil if there is
    /// anything else in it.
    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in text where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = values[Int(byte)] else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            guard count % 4 == 0 else { continue }
            output += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8)]
            output.append(UInt8(truncatingIfNeeded: bits))
        }
        guard padding == 0 || (count + padding) % 4 == 0 && padding < 3 else { return nil }
        switch count % 4 {
        case 0: return padding == 0 ? output : nil
        case 2: return bits & 0xF == 0 ? output + [UInt8(truncatingIfNeeded: bits >> 4)] : nil
        case 3:
            guard bits & 0x3 == 0 else { return nil }
            return output + [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
        default: return nil
        }
    }

    /// What each byte of the standard alphabet stands for.
    private static let values: [UInt8?] = {
        var values = [UInt8?](repeating: nil, count: 256)
        for (value, byte) in standard.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    private static func encode(_ bytes: [UInt8], _ alphabet: [UInt8], padding: UInt8?) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let first = bytes[index]
            let second = left > 1 ? bytes[index + 1] : 0
            let third = left > 2 ? bytes[index + 2] : 0
            output.append(alphabet[Int(first >> 2)])
            output.append(alphabet[Int((first & 3) << 4 | second >> 4)])
            if left > 1 { output.append(alphabet[Int((second & 15) << 2 | third >> 6)]) }
            if left > 2 { output.append(alphabet[Int(third & 63)]) }
            if let padding { output.append(contentsOf: repeatElement(padding, count: max(0, 3 - left))) }
            index += 3
        }
        return output
    }
}
