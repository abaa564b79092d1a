import NIOHTTP1
import StreamHTTP
import TextCodecs

/// Which header fields go on to an upstream.
@available(freshet 0.1, *)
enum HeaderRules {
    /// What belongs to one connection (RFC 9110, section 7.6.1), what this server consumes, and what an upstream need
    /// not know of the caller.
    private static let keptFromUpstream: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "proxy-authorization", "host", "content-length", "accept-encoding", "expect", "cookie", "origin", "referer",
        "forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip", "x-cluster-client-ip",
        // What some servers take for the request's path or method: what is allowed was decided by the real ones.
        "x-original-url", "x-original-uri", "x-rewrite-url", "x-http-method", "x-http-method-override",
        "x-method-override",
    ]
    /// Fields between a caller and this server, its proxies or its browser.
    private static let beginningsKeptFromUpstream = ["freshet-", "sec-", "x-forwarded-"]

    /// Whether a field, by its name in lower case, ever goes on to an upstream.
    static func mayPass(_ name: String) -> Bool {
        !keptFromUpstream.contains(name) && !beginningsKeptFromUpstream.contains { name.utf8.starts(with: $0.utf8) }
    }

    /// The fields of a call, made from those of a request.
    ///
    /// - Parameter key: the server's own key, which takes the place of whatever the caller sent.
    static func toUpstream(_ headers: HTTPHeaders, _ upstream: Upstream, key: String?) -> HTTPHeaders {
        var fields = HTTPHeaders()
        let named = Set(headers[canonicalForm: "connection"].map { $0.lowercased() })
        for (name, value) in headers {
            let lower = name.lowercased()
            guard mayPass(lower), !named.contains(lower) else { continue }
            if upstream.key != .caller, Credentials.fields.contains(lower) { continue }
            fields.add(name: name, value: value)
        }
        // Compression would hold events back, and its end is not an event's.
        fields.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        if let key {
            switch upstream.kind {
            case .anthropic: fields.replaceOrAdd(name: "x-api-key", value: key)
            case .gemini: fields.replaceOrAdd(name: "x-goog-api-key", value: key)
            default: fields.replaceOrAdd(name: "Authorization", value: "Bearer \(key)")
            }
        }
        return fields
    }
}
