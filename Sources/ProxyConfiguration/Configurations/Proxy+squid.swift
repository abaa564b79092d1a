@available(freshet 0.1, *)
extension Proxy {
    static func squid(_ site: ProxySite) -> String {
        let listen = (site.listen.host == nil ? "" : site.listen.host(orAll: "") + ":") + "\(site.listen.port)"
        let strip =
            site.path.mount.isEmpty
            ? ""
            : """
            # What strips the path: any sed that answers line by line (-u). Squid decodes what it answers once.
            url_rewrite_program /usr/bin/sed -u -E \
            "s|%|%25|g;s|^(https?://[^/]*)\(Quoting.squid(Quoting.regularExpression(site.path.mount)))(/[^ ]*).*|OK rewrite-url=\\\\1\\\\2|;t;s|.*|ERR|"
            url_rewrite_children 5 startup=1

            """
        return """
            # Squid as a reverse proxy in front of Freshet: /etc/squid/squid.conf; check it with: squid -k parse
            http_port \(listen) accel vhost
            # TLS: https_port 443 accel vhost tls-cert=/etc/ssl/site.pem tls-key=/etc/ssl/site.key
            cache_peer \(site.upstream.isIPv6 ? "[\(site.upstream.host)]" : site.upstream.host) parent \
            \(site.upstream.port) 0 no-query no-digest originserver name=freshet

            acl freshet urlpath_regex ^\(Quoting.regularExpression(site.path.text))
            http_access allow freshet
            http_access deny all
            cache_peer_access freshet allow all
            never_direct allow all
            cache deny all
            \(strip)
            # Readers and streaming producers, however quiet: 15 minutes by default.
            read_timeout 1 hour
            write_timeout 1 hour
            # An answer that takes long to begin is asked for only once.
            forward_max_tries 1

            """
    }
}
