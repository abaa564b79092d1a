@available(freshet 0.1, *)
extension Proxy {
    static func lighttpd(_ site: ProxySite) -> String {
        let bind =
            site.listen.host.map { _ in "server.bind = \"\(site.listen.host(orAll: ""))\"\n" } ?? ""
        let strip =
            site.path.mount.isEmpty
            ? ""
            : "proxy.header = ( \"map-urlpath\" => ( \"\(site.path.text)\" => \"\(site.path.inside)\" ) )\n    "
        return """
            # lighttpd in front of Freshet: /etc/lighttpd/lighttpd.conf; check it with: lighttpd -tt -f lighttpd.conf
            server.modules += ( "mod_proxy" )
            server.document-root = "/var/www/html"
            \(bind)server.port = \(site.listen.port)
            # TLS, and HTTP/2 for browsers: "mod_openssl" among the modules, ssl.engine = "enable", ssl.pemfile = "..."

            # A connection that waits to read or to write may be silent for so long: streaming producers are.
            server.max-read-idle = 3600
            server.max-write-idle = 3600

            # The operator =^ (begins with) is there since 1.4.65.
            $HTTP["url"] =^ "\(site.path.text)" {
                # Readers and streaming producers: pass on what arrives. 0, the default, waits for all of it.
                server.stream-response-body = 1
                server.stream-request-body = 1
                \(strip)proxy.server = ( "" => ( ( "host" => "\(site.upstream.host)", "port" => \(site.upstream.port) ) ) )
            }

            """
    }
}
