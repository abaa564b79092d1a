/// Bytes in 64 characters (RFC 4648).
package enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The standard alphabet with padding (section 4).
    package static func encode(_ bytes: [UInt8]) -> [UInt8] { encode(bytes, standard, padding: UInt8(ascii: "=")) }

    /// What goes into header fields and cookies as it is: the alphabet for URLs (section 5) without the padding.
    package static func urlText(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: encode(Array(bytes), url, padding: nil), as: UTF8.self)
    }

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
