/// The proxies that `freshet proxy-config` writes a configuration for.
@available(freshet 0.1, *)
package enum Proxy: String, CaseIterable, Sendable {
    case nginx
    case haproxy
    case apache
    case varnish
    case caddy
    case lighttpd
    case trafficserver
    case squid
    case envoy
    case traefik

    /// By the name that `--list` shows, or one that is as usual.
    package init?(named name: String) {
        let name = name.lowercased()
        let others: [String: Proxy] = ["apache2": .apache, "httpd": .apache, "ats": .trafficserver]
        guard let proxy = Proxy(rawValue: name) ?? others[name] else { return nil }
        self = proxy
    }

    /// What its makers call it.
    package var title: String {
        switch self {
        case .nginx: "nginx"
        case .haproxy: "HAProxy"
        case .apache: "Apache httpd"
        case .varnish: "Varnish"
        case .caddy: "Caddy"
        case .lighttpd: "lighttpd"
        case .trafficserver: "Apache Traffic Server"
        case .squid: "Squid"
        case .envoy: "Envoy"
        case .traefik: "Traefik"
        }
    }

    /// How it is known that the configuration works.
    package var verification: Verification {
        self == .traefik ? .documentation : .tested
    }

    package enum Verification: String, Sendable {
        /// The project's tests run the proxy with it.
        case tested
        /// Written from the proxy's documentation; the tests have nothing to install.
        case documentation = "from documentation"
    }

    /// The whole configuration, with comments, ending in a newline.
    package func configuration(for site: ProxySite) -> String {
        let mount = site.path.mount
        guard !mount.isEmpty else { return directives(for: site) }
        // It maps paths in Location too, by what the server's path begins with: at the root everything does.
        let isMapped = self == .lighttpd && site.path.inside == "/"
        let note =
            isMapped
            ? "lighttpd puts it before every Location, so leave it out here"
            : "Tell the server, for its links"
        let url = "https://app.example" + (isMapped ? "" : mount)
        return """
            # Clients reach the server under \(mount), which this configuration strips. \(note):
            # freshet serve --public-url \(url)
            \(directives(for: site))
            """
    }

    private func directives(for site: ProxySite) -> String {
        switch self {
        case .nginx: Self.nginx(site)
        case .haproxy: Self.haproxy(site)
        case .apache: Self.apache(site)
        case .varnish: Self.varnish(site)
        case .caddy: Self.caddy(site)
        case .lighttpd: Self.lighttpd(site)
        case .trafficserver: Self.trafficserver(site)
        case .squid: Self.squid(site)
        case .envoy: Self.envoy(site)
        case .traefik: Self.traefik(site)
        }
    }
}
