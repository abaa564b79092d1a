/// `host`, `host:port`, `[ipv6]` and `[ipv6]:port`, taken apart.
@available(freshet 0.1, *)
struct HostPort {
    /// An IPv6 address is without its brackets.
    let host: String
    let isIPv6: Bool
    let port: Int?

    init?(_ text: some StringProtocol) {
        let rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let literal = String(text[text.index(after: text.startIndex)..<end])
            guard literal.contains(":"), literal.utf8.allSatisfy(Self.isInIPv6), literal.utf8.count <= 45 else {
                return nil
            }
            (host, isIPv6) = (literal, true)
            rest = Substring(text[text.index(after: end)...])
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            let name = String(text[..<end])
            guard Self.isName(name) else { return nil }
            (host, isIPv6) = (name, false)
            rest = Substring(text[end...])
        }
        guard !rest.isEmpty else {
            port = nil
            return
        }
        guard rest.first == ":", let number = Self.port(rest.dropFirst()) else { return nil }
        port = number
    }

    /// A port of 1 to 65535 in decimal digits.
    static func port(_ text: some StringProtocol) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), (1...65_535).contains(number)
        else {
            return nil
        }
        return number
    }

    /// A DNS name or an IPv4 address: labels of letters, digits, hyphens and underscores.
    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && label.first != "-"
                    && label.utf8.allSatisfy { byte in
                        switch byte {
                        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                        default: false
                        }
                    }
            }
    }

    private static func isInIPv6(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66, UInt8(ascii: ":"), UInt8(ascii: "."): true
        default: false
        }
    }
}
