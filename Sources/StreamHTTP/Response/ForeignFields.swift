/// Header fields of another server's response, as this server passes them on to its own callers.
@available(freshet 0.1, *)
package enum ForeignFields {
    /// Whether a field must not be taken over from another server's response, whatever it says there: it belongs to one
    /// connection (RFC 9110, section 7.6.1), or this server says it itself, or it would rule a page, a browser or a
    /// proxy in the name of this server's origin.
    package static func isReserved(_ name: String) -> Bool {
        let lower = name.lowercased()
        let name = lower.hasSuffix("-report-only") ? String(lower.dropLast("-report-only".count)) : lower
        return reserved.contains(name) || reservedBeginnings.contains { name.utf8.starts(with: $0.utf8) }
            || name.hasSuffix("-cache-control")
    }

    /// Whether a text is a name of a field: the part of a `token`
    /// (RFC 9110, section 5.6.2) that names are made of.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static let reserved: Set<String> = [
        // Of one connection.
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authentication-info", "te",
        "trailer", "transfer-encoding", "upgrade", "http2-settings",
        // Said by this server.
        "alt-svc", "content-length", "date", "location", "relay-metrics", "server", "vary", "via",
        "x-content-type-options",
        // Of a browser, for the origin or beyond the response.
        "accept-ch", "activate-storage-access", "authentication-info", "clear-site-data", "critical-ch", "delegate-ch",
        "expect-ct", "link", "nel", "no-vary-search", "observe-browsing-topics", "origin-agent-cluster", "origin-trial",
        "public-key-pins", "refresh", "report-to", "reporting-endpoints", "service-worker-allowed", "set-cookie",
        "set-cookie2", "set-login",
        "speculation-rules", "strict-transport-security", "timing-allow-origin", "use-as-dictionary",
        "www-authenticate",
        // Of a page.
        "content-location", "content-security-policy", "document-isolation-policy", "document-policy", "feature-policy",
        "integrity-policy", "permissions-policy", "referrer-policy", "require-document-policy", "sourcemap",
        "supports-loading-mode", "x-content-security-policy", "x-frame-options", "x-permitted-cross-domain-policies",
        "x-sourcemap", "x-ua-compatible", "x-webkit-csp", "x-xss-protection",
        // Of a proxy that serves files or other addresses in the response's place.
        "x-lighttpd-send-file", "x-reproxy-url", "x-sendfile", "x-sendfile2",
    ]
    private static let reservedBeginnings = [
        "access-control-", "attribution-reporting-", "cross-origin-", "freshet-", "producer-", "sec-", "stream-",
        "surrogate-", "x-accel-", "x-litespeed-", "x-reproxy-",
    ]
}

@available(freshet 0.1, *)
extension HeaderField {
    /// Bytes of any type that came from somebody else, on the server's own origin: a page made of them can do nothing
    /// here.
    package static let sandbox = HeaderField("Content-Security-Policy", "sandbox; default-src 'none'")
}
