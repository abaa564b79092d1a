/// A kind of software that stands between, known by what it writes into heads.
@available(freshet 0.1, *)
package enum Intermediary: String, Sendable, Hashable, CaseIterable {
    case nginx, haproxy, apache, varnish, caddy, lighttpd
    case trafficServer = "Traffic Server"
    case squid
    case envoy
    case h2o
    case nghttpx
    case privoxy
    case tinyproxy
    case mitmproxy
    case express = "a node proxy"
    case cloudflare = "Cloudflare"
    case cloudFront = "CloudFront"
    case fastly = "Fastly"
    case google = "Google Cloud"
    case iis = "IIS"
    case traefik

    package var title: String {
        switch self {
        case .nginx: "nginx"
        case .haproxy: "HAProxy"
        case .apache: "Apache"
        case .varnish: "Varnish"
        case .caddy: "Caddy"
        case .squid: "Squid"
        case .envoy: "Envoy"
        case .privoxy: "Privoxy"
        case .traefik: "Traefik"
        default: rawValue
        }
    }

    /// Who names itself in the head of a response, or in what the origin was sent.
    ///
    /// HAProxy and Traefik write nothing at all, a node proxy only a few.
    package static func named(in head: ResponseHead?, request: [String: String]) -> [Intermediary] {
        let server = head?["server"]?.lowercased() ?? ""
        let via = "\(head?["via"] ?? "") \(request["via"] ?? "")".lowercased()
        let servers: [(String, Intermediary)] = [
            ("cloudflare", .cloudflare), ("nginx", .nginx), ("openresty", .nginx), ("apache", .apache),
            ("caddy", .caddy), ("lighttpd", .lighttpd), ("ats/", .trafficServer), ("squid", .squid),
            ("envoy", .envoy), ("h2o", .h2o), ("nghttpx", .nghttpx), ("cloudfront", .cloudFront),
            ("microsoft-iis", .iis), ("google frontend", .google),
        ]
        let vias: [(String, Intermediary)] = [
            ("varnish", .varnish), ("caddy", .caddy), ("squid", .squid), ("trafficserver", .trafficServer),
            ("apachetrafficserver", .trafficServer), ("nghttpx", .nghttpx), ("h2o", .h2o), ("tinyproxy", .tinyproxy),
            ("cloudfront", .cloudFront), ("google", .google), ("privoxy", .privoxy),
        ]
        let fields: [(String, Intermediary)] = [
            ("x-varnish", .varnish), ("x-cache-lookup", .squid), ("x-envoy-upstream-service-time", .envoy),
            ("cf-ray", .cloudflare), ("x-amz-cf-id", .cloudFront), ("x-fastly-request-id", .fastly),
            ("x-powered-by", .express),
        ]
        var found: [Intermediary] = []
        for (text, who) in servers where server.contains(text) && !found.contains(who) { found.append(who) }
        for (text, who) in vias where via.contains(text) && !found.contains(who) { found.append(who) }
        for (name, who) in fields where head?[name] != nil && !found.contains(who) { found.append(who) }
        return found
    }
}
