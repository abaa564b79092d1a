/// Where a Redis or a sentinel listens.
@available(freshet 0.1, *)
package struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, or an address without brackets.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host[:port]`, as a URL has it.
    init(_ text: ArraySlice<UInt8>, usualPort: Int) throws(RedisURLError) {
        var host = text
        var port: ArraySlice<UInt8>?
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else {
                throw RedisURLError("an IPv6 address begins with [ and ends with ]")
            }
            host = text[(text.startIndex + 1)..<end]
            guard host.contains(UInt8(ascii: ":")), host.allSatisfy(Self.isOfAddress) else {
                throw RedisURLError("what stands in [ ] is no IPv6 address")
            }
            let behind = text[(end + 1)...]
            guard behind.isEmpty || behind.first == UInt8(ascii: ":") else {
                throw RedisURLError("behind the ] of an address stands its port, as in [::1]:\(usualPort)")
            }
            port = behind.isEmpty ? nil : behind.dropFirst()
        } else {
            let colon = text.firstIndex(of: UInt8(ascii: ":"))
            host = text[..<(colon ?? text.endIndex)]
            port = colon.map { text[($0 + 1)...] }
            guard host.allSatisfy(Self.isOfName) else {
                throw RedisURLError("the host has characters that no name has")
            }
        }
        guard !host.isEmpty else { throw RedisURLError("the host is missing: redis://HOST") }
        self.host = String(decoding: host, as: UTF8.self)
        guard let port else {
            self.port = usualPort
            return
        }
        guard let number = RESPNumber.decimal(port), (1...65535).contains(number) else {
            throw RedisURLError(
                "the port is no number from 1 to 65535; in a password, / ? # @ : are written %2F %3F %23 %40 %3A"
            )
        }
        self.port = number
    }

    package var description: String {
        (host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host) + ":\(port)"
    }

    static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    static func isOfAddress(_ byte: UInt8) -> Bool {
        // A zone too, as in fe80::1%eth0.
        isOfName(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }
}
