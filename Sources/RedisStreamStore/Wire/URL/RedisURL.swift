import TextCodecs

/// Where a Redis is, and as whom to speak to it:
/// `redis://[user[:password]@]host[:port][/database][?ca=FILE&cert=FILE&key=FILE]`, or `rediss://` for TLS.
///
/// User and password are percent-encoded where RFC 3986 asks for it. An IPv6 address stands in brackets.
@available(freshet 0.1, *)
package struct RedisURL: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port = 6379
    package var database = 0
    /// Nil is Redis's own `default`.
    package var user: String?
    package var password: String?
    /// Whether TLS is spoken.
    package var isSecure = false
    /// A PEM file with the certificates that are trusted; nil for those of the system.
    package var ca: String?
    /// PEM files with the certificate chain and the key that Redis may ask a client for (`tls-auth-clients`).
    package var certificate: String?
    package var key: String?

    package init(_ text: String) throws(RedisURLError) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            throw RedisURLError("a Redis is written redis://HOST or rediss://HOST")
        }
        isSecure = try Self.isSecure(bytes[..<colon])
        var rest = bytes[(colon + 3)...]
        guard rest.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw RedisURLError("a Redis URL has no spaces and no control characters: they are written %20 and so on")
        }
        guard !rest.contains(UInt8(ascii: "#")) else {
            throw RedisURLError("a Redis URL has no #: in a password it is written %23")
        }
        var query: ArraySlice<UInt8>?
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = rest[(mark + 1)...]
            rest = rest[..<mark]
        }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        var authority = rest[..<slash]
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            (user, password) = try Self.credentials(authority[..<at])
            authority = authority[(at + 1)...]
        }
        (host, port) = try Self.endpoint(authority)
        database = try Self.database(rest[slash...].dropFirst())
        if let query { try readOptions(query) }
    }

    /// Without user and password.
    package var description: String {
        let shown = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return (isSecure ? "rediss://" : "redis://") + shown + ":\(port)" + (database == 0 ? "" : "/\(database)")
    }

    private static func isSecure(_ scheme: ArraySlice<UInt8>) throws(RedisURLError) -> Bool {
        let name = String(decoding: scheme, as: UTF8.self).lowercased()
        switch name {
        case "redis": return false
        case "rediss": return true
        case "redis-sentinel", "rediss-sentinel", "redis+sentinel", "rediss+sentinel":
            throw RedisURLError("Redis Sentinel is not supported yet: name the master itself, as redis://HOST")
        case "redis-cluster", "rediss-cluster", "redis+cluster", "rediss+cluster":
            throw RedisURLError(
                "Redis Cluster is not supported yet: name one Redis that is no cluster, as redis://HOST"
            )
        case "valkey": throw RedisURLError("a Valkey is written redis://HOST: it speaks the same protocol")
        case "valkeys": throw RedisURLError("a Valkey is written rediss://HOST: it speaks the same protocol")
        default: throw RedisURLError("a Redis is written redis://HOST or rediss://HOST")
        }
    }

    private static func credentials(_ text: ArraySlice<UInt8>) throws(RedisURLError) -> (String?, String?) {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            // The password may come from a file.
            return (text.isEmpty ? nil : try decoded(text, "the user"), nil)
        }
        let user = try decoded(text[..<colon], "the user")
        let password = try decoded(text[(colon + 1)...], "the password")
        guard !password.isEmpty || user.isEmpty else { throw RedisURLError("the password is empty") }
        return (user.isEmpty ? nil : user, password.isEmpty ? nil : password)
    }

    private static func decoded(_ text: ArraySlice<UInt8>, _ what: String) throws(RedisURLError) -> String {
        guard let decoded = PercentEncoding.decode(text, plusIsSpace: false) else {
            throw RedisURLError("\(what) has a % that begins no escape, or is not UTF-8: a % itself is written %25")
        }
        return decoded
    }

    private static func endpoint(_ text: ArraySlice<UInt8>) throws(RedisURLError) -> (String, Int) {
        var host = text
        var port: ArraySlice<UInt8>?
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else {
                throw RedisURLError("an IPv6 address begins with [ and ends with ]")
            }
            host = text[(text.startIndex + 1)..<end]
            guard host.contains(UInt8(ascii: ":")), host.allSatisfy(isOfAddress) else {
                throw RedisURLError("what stands in [ ] is no IPv6 address")
            }
            let behind = text[(end + 1)...]
            guard behind.isEmpty || behind.first == UInt8(ascii: ":") else {
                throw RedisURLError("behind the ] of an address stands its port, as in [::1]:6379")
            }
            port = behind.isEmpty ? nil : behind.dropFirst()
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            host = text[..<colon]
            port = text[(colon + 1)...]
            guard host.allSatisfy(isOfName) else { throw badHost }
        } else {
            guard host.allSatisfy(isOfName) else { throw badHost }
        }
        guard !host.isEmpty else { throw RedisURLError("the host is missing: redis://HOST") }
        let name = String(decoding: host, as: UTF8.self)
        guard let port else { return (name, 6379) }
        guard let number = decimal(port), (1...65535).contains(number) else {
            throw RedisURLError(
                "the port is no number from 1 to 65535; in a password, / ? # @ : are written %2F %3F %23 %40 %3A"
            )
        }
        return (name, number)
    }

    private static let badHost = RedisURLError("the host has characters that no name has")

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isOfAddress(_ byte: UInt8) -> Bool {
        // A zone too, as in fe80::1%eth0.
        isOfName(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }

    private static func database(_ text: ArraySlice<UInt8>) throws(RedisURLError) -> Int {
        if text.isEmpty { return 0 }
        guard let number = decimal(text), number <= Int(Int32.max) else {
            throw RedisURLError("behind the host stands the number of a database, as in redis://HOST/0")
        }
        return number
    }

    /// Digits and nothing else, at most ten of them.
    private static func decimal(_ text: ArraySlice<UInt8>) -> Int? {
        let isDecimal = text.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return isDecimal && text.count <= 10 ? RESPNumber.integer(text).map { Int($0) } : nil
    }

    private mutating func readOptions(_ query: ArraySlice<UInt8>) throws(RedisURLError) {
        for option in query.split(separator: UInt8(ascii: "&")) {
            let sign = option.firstIndex(of: UInt8(ascii: "="))
            let name = try Self.decoded(option[..<(sign ?? option.endIndex)], "an option")
            guard ["ca", "cert", "key"].contains(name) else {
                throw RedisURLError("a Redis URL has the options ca, cert and key, and no other")
            }
            let value = try sign.map { index throws(RedisURLError) in
                try Self.decoded(option[(index + 1)...], "the option \(name)")
            }
            guard let value, !value.isEmpty else {
                throw RedisURLError("the option \(name) needs a file: ?\(name)=FILE")
            }
            guard isSecure else { throw RedisURLError("the option \(name) is of TLS: write rediss://") }
            switch name {
            case "ca": ca = value
            case "cert": certificate = value
            default: key = value
            }
        }
        guard (certificate == nil) == (key == nil) else {
            throw RedisURLError("a client's certificate needs its key, and a key its certificate: ?cert=FILE&key=FILE")
        }
    }
}
