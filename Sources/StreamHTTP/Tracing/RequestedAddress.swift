/// The host and the port that a client asked.
@available(freshet 0.1, *)
struct RequestedAddress: Equatable {
    var host: String
    var port: Int

    /// - Parameter authority: as `Host` has it, which a client may have made up.
    init?(_ authority: String, isSecure: Bool) {
        let bytes = Array(authority.utf8)
        guard 1...255 ~= bytes.count, bytes.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "@") }) else {
            return nil
        }
        let usual = isSecure ? 443 : 80
        let colon = bytes.lastIndex(of: UInt8(ascii: ":"))
        // What is in brackets is an address of IPv6, which has colons.
        guard let colon, bytes.last != UInt8(ascii: "]") else {
            (host, port) = (Self.withoutBrackets(bytes[...]), usual)
            return
        }
        let digits = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        guard colon > 0, let port = digits.isEmpty ? usual : Int(digits), 0...65_535 ~= port else { return nil }
        self.host = Self.withoutBrackets(bytes[..<colon])
        self.port = port
    }

    private static func withoutBrackets(_ host: ArraySlice<UInt8>) -> String {
        let isBracketed = host.count > 2 && host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        return String(decoding: isBracketed ? host.dropFirst().dropLast() : host, as: UTF8.self)
    }
}
