/// What a server can say or do so that proxies leave a stream alone. A probe sends any of these.
@available(freshet 0.1, *)
package enum ProbeHint: String, Sendable, Hashable, CaseIterable {
    /// `Cache-Control: no-cache`
    case noCache = "nc"
    /// `Cache-Control: no-transform`
    case noTransform = "nt"
    /// `X-Accel-Buffering: no`
    case noBuffering = "xab"
    /// `Content-Encoding: identity`
    case identity = "ce"
    /// A comment right after the head, so that a proxy that waits for a first byte has one.
    case comment = "ok"

    /// What Freshet sends with every native read.
    package static let ofFreshet: Set<ProbeHint> = [.noCache, .noTransform, .noBuffering, .comment]

    /// The header fields of a set of hints, in a fixed order.
    package static func fields(_ hints: Set<ProbeHint>) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        let caching = [
            hints.contains(.noCache) ? "no-cache" : nil, hints.contains(.noTransform) ? "no-transform" : nil,
        ]
        .compactMap(\.self)
        if !caching.isEmpty { fields.append(("Cache-Control", caching.joined(separator: ", "))) }
        if hints.contains(.noBuffering) { fields.append(("X-Accel-Buffering", "no")) }
        if hints.contains(.identity) { fields.append(("Content-Encoding", "identity")) }
        return fields
    }
}
