import StreamHTTP
import TextCodecs

/// The header fields of a request that stand once: those that are Freshet's, and those by which it decides something.
///
/// Of two that say different things one reader takes the first and another the last, and a proxy in between may have
/// looked at the other one; of two that say the same it is not known either whether they do. Fields that are lists
/// (`Accept`, `If-None-Match`, `Cookie` of an HTTP/2 proxy) may be sent in several parts and are read as one.
@available(freshet 0.1, *)
enum SingleField {
    private static let names = [
        "api-key", "authorization", "content-length", "content-type", "idempotency-key", "last-event-id",
        "ocp-apim-subscription-key", "origin", "sec-fetch-site", "x-api-key", "x-auth-token", "x-goog-api-key",
    ]
    private static let prefixes = ["stream-", "producer-", "freshet-"]

    /// The first of them that is sent more than once, as it was sent; nil when there is none.
    static func repeated(in headers: RequestFields) -> String? { headers.firstRepeated(where: isSingle) }

    /// One that says yes or no, and which a proxy has made one of several: `Stream-Closed: true, true`. Any other word
    /// than `true` counts as none (Durable Streams protocol, section 4.1), but this one would have closed a stream.
    static func joined(in headers: RequestFields) -> (name: String, value: String)? {
        for name in ["Stream-Closed", "Stream-Cancel"] {
            if let value = headers.first(name: name), value.utf8.contains(UInt8(ascii: ",")) { return (name, value) }
        }
        return nil
    }

    private static func isSingle(_ name: String) -> Bool {
        prefixes.contains { name.begins(withBytesIgnoringCaseOf: $0) && name.utf8.count > $0.utf8.count }
            || names.contains { name.hasBytesIgnoringCase(of: $0) }
    }
}
