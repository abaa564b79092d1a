/// A URL without its scheme, given where a stream's name may stand: taken for a name, it would make or read a stream of
/// that name on another server.
@available(freshet 0.1, *)
enum AddressTrouble {
    private static let paths = ["/v1/stream/", "/v1/streams/"]

    /// What is wrong with a text that looks like an address and is no URL, in whole sentences; nil for a name.
    static func describe(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        if startsAtPath(bytes) {
            return "'\(text)' looks like the path of a stream's URL; give the whole URL, such as "
                + "\(StreamURL.defaultServer)/v1/stream/name, or the name alone."
        }
        let authority = bytes.prefix { !"/?#".utf8.contains($0) }
        for scheme in ["http:", "https:"] where lowercased(bytes).starts(with: scheme.utf8) {
            return "'\(text)' looks like a URL without '//' after '\(scheme)'; such a URL begins with \(scheme)//."
        }
        guard
            bytes.starts(with: "//".utf8) || isAddress(authority) || paths.contains(where: { bytes.contains($0.utf8) })
        else { return nil }
        let rest = String(decoding: bytes.drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
        return "'\(text)' looks like an address without its http:// or https://; give the whole URL, such as "
            + "http://\(rest)\(authority.count == bytes.count ? "/v1/stream/name" : ""), or a stream's name alone."
    }

    private static func startsAtPath(_ bytes: [UInt8]) -> Bool {
        paths.contains { bytes.starts(with: $0.utf8) || bytes.starts(with: $0.utf8.dropFirst()) }
    }

    /// `localhost`, an IP address, or a host name with a dot and a port.
    private static func isAddress(_ authority: ArraySlice<UInt8>) -> Bool {
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = authority[(authority.startIndex + 1)..<close]
            return address.count { $0 == UInt8(ascii: ":") } >= 2
                && address.allSatisfy { "0123456789abcdefABCDEF:.%".utf8.contains($0) }
        }
        let parts = authority.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first else { return false }
        let hasPort = parts.count == 2 && parts[1].allSatisfy(isDigit)
        guard parts.count == 1 || hasPort else { return false }
        if lowercased(host).elementsEqual("localhost".utf8) { return true }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isIPv4 = labels.count == 4 && labels.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(isDigit) }
        if isIPv4 { return true }
        return hasPort && labels.count > 1 && labels.allSatisfy { !$0.isEmpty }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func lowercased(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
