import NIOCore

/// A host and maybe a port, as a `Host` header or an origin carries them, in one spelling for each meaning: lower case,
/// no dot at the end, IPv6 in brackets and shortest form.
@available(freshet 0.1, *)
package struct Authority: Sendable, Hashable {
    package let host: String
    package let port: Int?

    /// Nil for anything but `host`, `host:port`, `[ipv6]` and `[ipv6]:port` in ASCII.
    package init?(parsing text: String) {
        var text = text
        guard let parsed = text.withUTF8({ Self.parse($0) }) else { return nil }
        host = parsed.host
        port = parsed.port
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> (host: String, port: Int?)? {
        let host: String
        let end: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
                let literal = Self.ipv6(String(decoding: bytes[1..<bracket], as: UTF8.self))
            else {
                return nil
            }
            host = "[\(literal)]"
            end = bracket + 1
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            guard let name = Self.name(bytes[..<end]) else {
                return nil
            }
            host = name
        }
        switch Self.port(bytes[end...]) {
        case .success(let port): return (host, port)
        case .failure: return nil
        }
    }

    /// Labels of letters, digits, hyphens and low lines, none of them empty; a dot may follow the last.
    private static func name(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        let name = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes
        var isLabelEmpty = true
        var hasCapitals = false
        for byte in name {
            switch byte {
            case UInt8(ascii: "."):
                if isLabelEmpty { return nil }
                isLabelEmpty = true
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                hasCapitals = true
                isLabelEmpty = false
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                isLabelEmpty = false
            default: return nil
            }
        }
        if isLabelEmpty { return nil }
        let text = String(decoding: name, as: UTF8.self)
        return hasCapitals ? text.lowercased() : text
    }

    private static func ipv6(_ literal: String) -> String? {
        // A zone (`%eth0`) is no part of a URL's host, though the system's parser would take it.
        guard literal.utf8.contains(UInt8(ascii: ":")), !literal.utf8.contains(UInt8(ascii: "%")) else {
            return nil
        }
        return (try? SocketAddress(ipAddress: literal, port: 0))?.ipAddress
    }

    private struct NoPort: Error {}

    /// What follows the host: nothing, a colon alone (RFC 3986, 3.2.3 allows it), or a colon and the port.
    private static func port(_ rest: Slice<UnsafeBufferPointer<UInt8>>) -> Result<Int?, NoPort> {
        guard let colon = rest.first else {
            return .success(nil)
        }
        let digits = rest.dropFirst()
        guard colon == UInt8(ascii: ":"), digits.count <= 5,
            digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        else {
            return .failure(NoPort())
        }
        let port = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return digits.isEmpty ? .success(nil) : port <= 65_535 ? .success(port) : .failure(NoPort())
    }
}
