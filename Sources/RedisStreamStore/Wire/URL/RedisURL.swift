import TextCodecs

/// Where a Redis is, and as whom to speak to it:
/// `redis://[user[:password]@]host[:port][/database][?ca=FILE&cert=FILE&key=FILE]`, or `rediss://` for TLS.
///
/// Or where Redis Sentinels are that say where it is, and by which name they know it:
/// `redis-sentinel://[user[:password]@]host[:port][,host[:port]…]/master-name[/database]`, or `rediss-sentinel://` for TLS
/// to the sentinels and to Redis. User and password are for Redis; those for the sentinels, where they ask for some, are
/// the options `sentinel-user` and `sentinel-password`.
///
/// Users and passwords are percent-encoded where RFC 3986 asks for it. An IPv6 address stands in brackets.
@available(freshet 0.1, *)
package struct RedisURL: Hashable, Sendable, CustomStringConvertible {
    /// The Redis itself, or the sentinels in the order in which they are asked first: at least one.
    package var endpoints: [RedisEndpoint]
    /// What the sentinels call the master; nil where the Redis itself is named.
    package var masterName: String?
    package var database = 0
    /// Nil is Redis's own `default`.
    package var user: String?
    package var password: String?
    /// For the sentinels. Without a password they are asked as who they take for `default`.
    package var sentinelUser: String?
    package var sentinelPassword: String?
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
        let scheme = try Self.scheme(bytes[..<colon])
        isSecure = scheme.isSecure
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
        var path = rest[slash...].dropFirst()
        if scheme.isOfSentinels {
            endpoints = try Self.sentinels(authority)
            let end = path.firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
            masterName = try Self.masterName(path[..<end])
            path = path[end...].dropFirst()
        } else {
            guard !authority.contains(UInt8(ascii: ",")) else {
                throw RedisURLError("a Redis has one host; several are sentinels: \(Self.sentinelExample)")
            }
            endpoints = [try RedisEndpoint(authority, usualPort: 6379)]
        }
        database = try Self.database(path)
        if let query { try readOptions(query) }
    }

    /// Without users and passwords.
    package var description: String {
        let scheme = (isSecure ? "rediss" : "redis") + (masterName == nil ? "" : "-sentinel")
        let hosts = endpoints.map(\.description).joined(separator: ",")
        return "\(scheme)://\(hosts)" + (masterName.map { "/" + $0 } ?? "") + (database == 0 ? "" : "/\(database)")
    }

    private static let sentinelExample = "redis-sentinel://HOST,HOST,HOST/MASTER-NAME"

    private static func scheme(
        _ scheme: ArraySlice<UInt8>
    ) throws(RedisURLError) -> (isSecure: Bool, isOfSentinels: Bool) {
        let name = String(decoding: scheme, as: UTF8.self).lowercased()
        switch name {
        case "redis": return (false, false)
        case "rediss": return (true, false)
        // Other clients write them with a plus.
        case "redis-sentinel", "redis+sentinel": return (false, true)
        case "rediss-sentinel", "rediss+sentinel": return (true, true)
        case "redis-cluster", "rediss-cluster", "redis+cluster", "rediss+cluster":
            throw RedisURLError(
                "Redis Cluster is not supported yet: name one Redis that is no cluster, as redis://HOST"
            )
        case "valkey": throw RedisURLError("a Valkey is written redis://HOST: it speaks the same protocol")
        case "valkeys": throw RedisURLError("a Valkey is written rediss://HOST: it speaks the same protocol")
        default: throw RedisURLError("a Redis is written redis://HOST or rediss://HOST")
        }
    }

    private static func sentinels(_ text: ArraySlice<UInt8>) throws(RedisURLError) -> [RedisEndpoint] {
        var endpoints: [RedisEndpoint] = []
        for part in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard !part.isEmpty else {
                throw RedisURLError("the host of a sentinel is missing: \(sentinelExample)")
            }
            let endpoint = try RedisEndpoint(part, usualPort: 26379)
            guard !endpoints.contains(endpoint) else { throw RedisURLError("one sentinel is named twice") }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    private static func masterName(_ text: ArraySlice<UInt8>) throws(RedisURLError) -> String {
        guard !text.isEmpty else {
            throw RedisURLError("the name by which the sentinels know the master is missing: \(sentinelExample)")
        }
        // What Sentinel itself takes: `sentinel monitor` refuses another.
        guard text.allSatisfy(RedisEndpoint.isOfName) else {
            throw RedisURLError("the name of a master has letters, digits, and . - _ only: \(sentinelExample)")
        }
        return String(decoding: text, as: UTF8.self)
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

    private static func database(_ text: ArraySlice<UInt8>) throws(RedisURLError) -> Int {
        if text.isEmpty { return 0 }
        guard let number = RESPNumber.decimal(text), number <= Int(Int32.max) else {
            throw RedisURLError("behind the host stands the number of a database, as in redis://HOST/0")
        }
        return number
    }

    private static let options = ["ca", "cert", "key", "sentinel-user", "sentinel-password"]

    private mutating func readOptions(_ query: ArraySlice<UInt8>) throws(RedisURLError) {
        for option in query.split(separator: UInt8(ascii: "&")) {
            let sign = option.firstIndex(of: UInt8(ascii: "="))
            let name = try Self.decoded(option[..<(sign ?? option.endIndex)], "an option")
            guard Self.options.contains(name) else {
                throw RedisURLError(
                    "a Redis URL has the options ca, cert and key, with sentinels sentinel-user and sentinel-password too, and "
                        + "no other"
                )
            }
            let value = try sign.map { index throws(RedisURLError) in
                try Self.decoded(option[(index + 1)...], "the option \(name)")
            }
            switch name {
            case "ca", "cert", "key": try readFile(name, value ?? "")
            default: try readSentinels(name, value ?? "")
            }
        }
        guard (certificate == nil) == (key == nil) else {
            throw RedisURLError("a client's certificate needs its key, and a key its certificate: ?cert=FILE&key=FILE")
        }
    }

    private mutating func readFile(_ name: String, _ file: String) throws(RedisURLError) {
        guard !file.isEmpty else { throw RedisURLError("the option \(name) needs a file: ?\(name)=FILE") }
        guard isSecure else { throw RedisURLError("the option \(name) is of TLS: write rediss://") }
        switch name {
        case "ca": ca = file
        case "cert": certificate = file
        default: key = file
        }
    }

    private mutating func readSentinels(_ name: String, _ value: String) throws(RedisURLError) {
        guard masterName != nil else {
            throw RedisURLError("the option \(name) is of sentinels: \(Self.sentinelExample)")
        }
        guard !value.isEmpty else { throw RedisURLError("the option \(name) is empty") }
        if name == "sentinel-user" { sentinelUser = value } else { sentinelPassword = value }
    }
}
