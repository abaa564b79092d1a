@available(freshet 0.1, *)
extension Proxy {
    static func caddy(_ site: ProxySite) -> String {
        let bind = site.listen.host == nil ? "" : "\n    bind \(site.listen.host(orAll: ""))"
        let strip =
            site.path.mount.isEmpty
            ? "" : "uri strip_prefix \(Quoting.doubleQuotedIfOdd(site.path.mount))\n        "
        return """
            # Caddy in front of Freshet: /etc/caddy/Caddyfile, then: caddy validate && caddy reload
            # TLS and HTTP/2: write the site's name, such as app.example, in place of the port.
            # Over HTTP/1.1 a streaming producer hears of a Stop when its body ends; at once, since 2.7, with the global option
            # { servers { enable_full_duplex } }.
            :\(site.listen.port) {\(bind)
                handle \(Quoting.doubleQuotedIfOdd(site.path.text + "*")) {
                    # No `flush_interval -1`: events pass at once without it, and with it readers that left are noticed late.
                    # No `encode` here: it holds events. Where a site has it for everything, give it a list of types:
                    # encode gzip { match header Content-Type text/html* }
                    \(strip)reverse_proxy \(site.upstream.authority)
                }
                handle {
                    # Here: the rest of the site.
                    respond 404
                }
            }

            """
    }
}
