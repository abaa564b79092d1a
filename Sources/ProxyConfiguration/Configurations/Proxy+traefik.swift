@available(freshet 0.1, *)
extension Proxy {
    static func traefik(_ site: ProxySite) -> String {
        let listen = "\(site.listen.host(orAll: "")):\(site.listen.port)"
        let strips = !site.path.mount.isEmpty
        let use = strips ? "      middlewares: [freshet]\n" : ""
        let strip =
            strips
            ? "  middlewares:\n    freshet: { stripPrefix: { prefixes: [\(Quoting.yaml(site.path.mount))] } }\n" : ""
        return """
            # Traefik in front of Freshet: two files. This is the first, /etc/traefik/traefik.yml:
            entryPoints:
              web:
                address: '\(listen)'
                # TLS and HTTP/2: http.tls on the entry point of port 443.
                transport:
                  respondingTimeouts:
                    # For a whole request with its body: since 2.11.2 a streaming producer is cut after 60 s.
                    readTimeout: 0s
            providers:
              file:
                filename: /etc/traefik/freshet.yml
            ---
            # The second, /etc/traefik/freshet.yml:
            http:
              routers:
                freshet:
                  entryPoints: [web]
                  rule: \(Quoting.yaml("PathPrefix(`\(site.path.text)`)"))
                  service: freshet
            \(use)                  # No `buffering` middleware here. `compress` must leave streams alone:
                  # compress: { excludedContentTypes: [text/event-stream, application/x-ndjson] }
            \(strip)              services:
                freshet:
                  loadBalancer:
                    servers:
                      - url: '\(site.upstream.origin)'

            """
    }
}
