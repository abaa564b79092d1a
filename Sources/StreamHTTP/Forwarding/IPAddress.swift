#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An address of the internet's, of either version. That of version 4 and its form in version 6 (`::ffff:10.0.0.1`) are
/// one.
@available(freshet 0.1, *)
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// Of version 6; those of version 4 are mapped into it (RFC 4291, section 2.5.5.2).
    let bytes: [UInt8]

    private static let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]

    /// - Parameter text: without brackets, port and zone.
    package init?(parsing text: String) {
        // What follows a zero would not be looked at.
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var version4 = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &version4) == 1 {
            bytes = Self.mapped + version4
            return
        }
        var version6 = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &version6) == 1 else { return nil }
        bytes = version6
    }

    init(bytes: [UInt8]) {
        precondition(bytes.count == 16, "an address of version 6 has 16 bytes")
        self.bytes = bytes
    }

    var isVersion4: Bool { bytes.starts(with: Self.mapped) }

    package var description: String {
        if isVersion4 { return bytes[12...].map { "\($0)" }.joined(separator: ".") }
        var text = [CChar](repeating: 0, count: 46)
        guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
            preconditionFailure("the text of an address has at most 45 characters")
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The addresses that begin alike, such as `10.0.0.0/8`; one address is such a range too.
@available(freshet 0.1, *)
package struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    private let first: IPAddress
    /// How many bits all of them have in common, of 128.
    private let length: Int

    /// - Parameter text: an address, or one with the number of bits that count behind a slash. The others may be
    ///   anything.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress(parsing: String($0)) }) else { return nil }
        // `::ffff:10.0.0.0/104` says of 128 bits how many count, and `10.0.0.0/8` of 32.
        let before = parts[0].utf8.contains(UInt8(ascii: ":")) ? 0 : 96
        var length = 128
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
                let written = Int(parts[1]), written + before <= 128
            else { return nil }
            length = written + before
        }
        self.length = length
        first = IPAddress(
            bytes: address.bytes.enumerated().map { index, byte in
                byte & Self.mask(ofByte: index, length)
            }
        )
    }

    /// Whether these are all addresses that there are, or all of version 4.
    package var isEverybody: Bool { length == 0 || (first.isVersion4 && length <= 96) }

    package func contains(_ address: IPAddress) -> Bool {
        address.bytes.indices.allSatisfy { index in
            address.bytes[index] & Self.mask(ofByte: index, length) == first.bytes[index]
        }
    }

    package var description: String {
        if length == 128 { return "\(first)" }
        return "\(first)/\(first.isVersion4 ? length - 96 : length)"
    }

    private static func mask(ofByte index: Int, _ length: Int) -> UInt8 {
        let bits = min(8, max(0, length - index * 8))
        return bits == 0 ? 0 : UInt8.max << UInt8(8 - bits)
    }
}
