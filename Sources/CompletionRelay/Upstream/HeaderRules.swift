import NIOHTTP1
import StreamHTTP
import TextCodecs

/// Which header fields go on to an upstream, and which come back.
enum HeaderRules {
    /// What belongs to one connection (RFC 9110, section 7.6.1), what this server consumes, and what an upstream need
    /// not know of the caller.
    private static let keptFromUpstream: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "proxy-authorization", "host", "content-length", "accept-encoding", "expect", "cookie", "origin", "referer",
        "forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip", "freshet-key", "freshet-on-disconnect",
    ]
    private static let keptFromCaller: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "proxy-authenticate", "content-length", "date", "server", "vary", "set-cookie", "alt-svc",
        "strict-transport-security", "location", "x-content-type-options", "cross-origin-resource-policy",
        "relay-metrics",
    ]
    /// What this server says itself, what a proxy before it would obey, and who may read.
    private static let beginningsKeptFromCaller = ["stream-", "x-accel-", "access-control-"]
    private static let fieldsOfTheBody: Set<String> = [
        "content-type", "content-encoding", "cache-control", "x-accel-buffering",
    ]
    private static let credentials: Set<String> = ["authorization", "x-api-key", "api-key"]

    /// The fields of a call, made from those of a request.
    ///
    /// - Parameter key: the server's own key, which takes the place of whatever the caller sent.
    static func toUpstream(_ headers: HTTPHeaders, _ upstream: Upstream, key: String?) -> HTTPHeaders {
        var fields = HTTPHeaders()
        let named = Set(headers[canonicalForm: "connection"].map { $0.lowercased() })
        for (name, value) in headers {
            let lower = name.lowercased()
            if keptFromUpstream.contains(lower) || named.contains(lower) { continue }
            if lower.hasPrefix("x-forwarded-") || lower.hasPrefix("sec-") { continue }
            if upstream.key != .caller, credentials.contains(lower) { continue }
            fields.add(name: name, value: value)
        }
        // Compression would hold events back, and its end is not an event's.
        fields.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        if let key {
            switch upstream.kind {
            case .anthropic: fields.replaceOrAdd(name: "x-api-key", value: key)
            default: fields.replaceOrAdd(name: "Authorization", value: "Bearer \(key)")
            }
        }
        return fields
    }

    /// The fields of an answer as the caller gets them; those of a stream say nothing of the upstream's body.
    static func toCaller(_ headers: [HeaderField], isStream: Bool) -> [HeaderField] {
        let named = Set(
            headers.filter { $0.name.lowercased() == "connection" }
                .flatMap { $0.value.lowercased().split(separator: ",") }.map { $0.trimmingBlanks() }
        )
        return headers.filter { field in
            let lower = field.name.lowercased()
            if keptFromCaller.contains(lower) || named.contains(lower[...]) { return false }
            if fieldsOfTheBody.contains(lower) { return !isStream }
            return !beginningsKeptFromCaller.contains { lower.hasPrefix($0) }
        }
    }
}
