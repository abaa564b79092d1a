@available(freshet 0.1, *)
extension Proxy {
    static func haproxy(_ site: ProxySite) -> String {
        let strip =
            site.path.mount.isEmpty
            ? ""
            : "    http-request replace-path '^\(Quoting.regularExpression(site.path.mount))(/.*)$' '\\1'\n"
        return """
            # HAProxy in front of Freshet: /etc/haproxy/haproxy.cfg; check it with: haproxy -c -f /etc/haproxy/haproxy.cfg
            defaults
                mode http
                timeout connect 5s
                timeout http-request 10s
                # Readers and streaming producers, however quiet.
                timeout client 1h
                timeout server 1h
                # Without it each event of a chunked answer waits up to 200 ms.
                option http-no-delay
                # A reader that leaves is noticed at once. It has to be here: in the backend alone 2.6 ignores it.
                option abortonclose

            frontend web
                bind \(site.listen.host(orAll: "")):\(site.listen.port)
                # TLS, and HTTP/2 for browsers, which open only six connections to a host over HTTP/1.1:
                # bind :443 ssl crt /etc/haproxy/site.pem alpn h2,http/1.1
                http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
                # Request bodies pass as they come: no `option http-buffer-request`, no `http-request wait-for-body` here.
                # Where there is `compression`, its types must not name text/event-stream.
                acl freshet path_beg \(Quoting.haproxy(site.path.text))
                use_backend freshet if freshet

            backend freshet
            \(strip)    server freshet \(site.upstream.isIPv6 ? "ipv6@\(site.upstream.host):\(site.upstream.port)" : site.upstream.authority)

            """
    }
}
