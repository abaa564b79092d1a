/// The key in an `Authorization` header (RFC 6750, section 2.1).
@available(freshet 0.1, *)
package struct BearerToken: Sendable, Equatable {
    package let text: String

    /// The token of `Bearer <token>`, or nil for another scheme and for anything that is no token.
    package init?(authorization: String) {
        let bytes = authorization.utf8
        let scheme = bytes.prefix { $0 != UInt8(ascii: " ") }
        guard String(decoding: scheme, as: UTF8.self).lowercased() == "bearer" else {
            return nil
        }
        var token = bytes[scheme.endIndex...].drop { $0 == UInt8(ascii: " ") }
        while token.last == UInt8(ascii: " ") {
            token = token.dropLast()
        }
        guard Self.isToken(token) else {
            return nil
        }
        text = String(decoding: token, as: UTF8.self)
    }

    /// `b64token`: letters, digits and `-._~+/`, then any number of `=`.
    static func isToken(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        var end = bytes.endIndex
        while end > bytes.startIndex, bytes[bytes.index(before: end)] == UInt8(ascii: "=") {
            end = bytes.index(before: end)
        }
        return end > bytes.startIndex
            && bytes[..<end].allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
