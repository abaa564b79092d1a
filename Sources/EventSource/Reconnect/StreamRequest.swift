/// A request to send.
@available(freshet 0.1, *)
package struct StreamRequest: Equatable {
    var url: String
    var method = "GET"
    /// Whether the configured body goes with it.
    var sendsBody = false
    /// Empty for none.
    var lastEventID: String
    /// False on another origin than the configured one, where credentials must not go.
    var sendsCredentials: Bool
    /// The fields that were made for this attempt.
    var made: [HeaderField] = []

    /// Its header fields, in the order in which they are sent.
    func fields(_ configuration: EventSource.Configuration) -> [(name: String, value: String)] {
        let replaced = Set(made.map { $0.name.lowercased() })
        var fields = configuration.headers.filter { !replaced.contains($0.name.lowercased()) }
        fields += made.map { (name: $0.name, value: $0.value) }
        fields.removeAll { !isSent($0.name.lowercased(), configuration) }
        fields.append((name: "Accept", value: configuration.format.mediaType))
        fields.append((name: "Accept-Encoding", value: "identity"))
        fields.append((name: "Cache-Control", value: "no-cache"))
        // A field's string goes out as its UTF-8 bytes, which is what the standard asks for.
        if !lastEventID.isEmpty { fields.append((name: "Last-Event-ID", value: lastEventID)) }
        return fields
    }

    private func isSent(_ name: String, _ configuration: EventSource.Configuration) -> Bool {
        switch name {
        case "accept", "accept-encoding", "cache-control", "last-event-id": false
        case "authorization", "cookie": sendsCredentials
        // Fetch's "request-body-header names": a redirect that changed the method left the body behind.
        case "content-encoding", "content-language", "content-location", "content-type":
            method == configuration.method
        default: true
        }
    }

    /// Why a method cannot be sent; nil if it can.
    static func trouble(method: String) -> String? {
        guard isToken(method) else { return "the method '\(method)' is not one that HTTP can carry" }
        guard !["CONNECT", "TRACE"].contains(method.uppercased()) else {
            return "\(method) is not a method that an event stream answers"
        }
        return nil
    }

    /// Why a header field cannot be sent, without its value, which may be a secret; nil if it can.
    package static func trouble(name: String, value: String) -> String? {
        guard isToken(name) else { return "the header field '\(name)' has a name that HTTP cannot carry" }
        guard !value.utf8.contains(where: isControl) else {
            return "the value of the header field \(name) has control characters, a line feed for example"
        }
        return nil
    }

    /// What no value of a field has (RFC 9110, section 5.5); a tab it may have.
    static func isControl(_ byte: UInt8) -> Bool {
        byte < 0x20 && byte != 0x09 || byte == 0x7F
    }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
