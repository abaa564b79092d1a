import ProxyConfiguration
import Testing

@Suite("Configurations of proxies")
struct ConfigurationTests {
    private func configuration(
        _ proxy: Proxy,
        listen: String = "8080",
        upstream: String = "http://127.0.0.1:4437",
        path: String = "/v1/"
    ) throws -> String {
        proxy.configuration(
            for: ProxySite(
                listen: try ListenAddress(listen),
                upstream: try UpstreamURL(upstream),
                path: try PathPrefix(path)
            )
        )
    }

    /// Without comments, which may say anything.
    private func directives(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }
    }

    @Test("Each says where it goes and what is passed on, and ends its last line", arguments: Proxy.allCases)
    func whole(proxy: Proxy) throws {
        let text = try configuration(proxy, listen: "8081", upstream: "http://10.1.2.3:4438", path: "/events/")
        let lines = directives(text)
        #expect(text.hasPrefix("# "))
        #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        #expect(lines.contains { $0.contains("/events/") })
        #expect(lines.contains { $0.contains("10.1.2.3") })
        #expect(lines.contains { $0.contains("4438") })
        #expect(text.contains("8081"))
        #expect(!text.contains("/v1/") && !text.contains("4437"))
        #expect(text.split(separator: "\n").allSatisfy { $0.last != " " })
    }

    @Test("An address of IPv6 is written as each syntax wants it", arguments: Proxy.allCases)
    func ipv6(proxy: Proxy) throws {
        let expected: [Proxy: String] = [
            .nginx: "proxy_pass http://[::1]:4437;", .haproxy: "server freshet ipv6@::1:4437",
            .apache: "\"http://[::1]:4437/v1/\"", .varnish: ".host = \"::1\";", .caddy: "reverse_proxy [::1]:4437",
            .lighttpd: "\"host\" => \"::1\"", .trafficserver: "http://[::1]:4437/v1/",
            .squid: "cache_peer [::1] parent 4437",
            .envoy: "address: '::1', port_value: 4437", .traefik: "url: 'http://[::1]:4437'",
        ]
        let text = try configuration(proxy, upstream: "http://[::1]:4437")
        #expect(text.contains(try #require(expected[proxy])))
    }

    /// The line that holds the path, with characters that each syntax gives a meaning.
    @Test(
        "An odd path is quoted",
        arguments: [
            (Proxy.nginx, #"location ^~ "/a&b$cd(e).f+g/" {"#),
            (.haproxy, #"acl freshet path_beg "/a&b\$cd(e).f+g/""#),
            (.apache, #"SetEnvIf Request_URI "^/a&b\$cd\(e\)\.f\+g/" no-gzip=1 no-brotli=1"#),
            (.varnish, #"if (req.url !~ "^/a&b\$cd\(e\)\.f\+g/") {"#),
            (.caddy, #"handle "/a&b$cd(e).f+g/*" {"#),
            (.lighttpd, #"$HTTP["url"] =^ "/a&b$cd(e).f+g/" {"#),
            (.trafficserver, "map /a&b$cd(e).f+g/ http://127.0.0.1:4437/ @plugin=conf_remap.so"),
            (.squid, #"acl freshet urlpath_regex ^/a&b\$cd\(e\)\.f\+g/"#),
            (.envoy, "match: { prefix: '/a&b$cd(e).f+g/' }"),
            (.traefik, "rule: 'PathPrefix(`/a&b$cd(e).f+g/`)'"),
        ]
    )
    func quoted(proxy: Proxy, line: String) throws {
        let text = try configuration(proxy, path: "/a&b$cd(e).f+g/")
        #expect(text.contains(line))
    }

    /// The line that takes away what the server does not know of a path.
    @Test(
        "What precedes the server's own path is taken away, and the server is to be told",
        arguments: [
            (Proxy.nginx, #""~^/a\.b\$(?<inside>/v1/.*)$" $inside;"#),
            (.nginx, "proxy_pass http://freshet$freshet_target;"),
            (.haproxy, #"http-request replace-path '^/a\.b\$(/.*)$' '\1'"#),
            (.apache, #"ProxyPass "/a.b$/v1/" "http://127.0.0.1:4437/v1/""#),
            (.varnish, #"set req.url = regsub(req.url, "^/a\.b\$", "");"#), (.caddy, #"uri strip_prefix "/a.b$""#),
            (.lighttpd, #"( "map-urlpath" => ( "/a.b$/v1/" => "/v1/" ) )"#),
            (.trafficserver, "map /a.b$/v1/ http://127.0.0.1:4437/v1/ @plugin"),
            (.squid, #""s|%|%25|g;s|^(https?://[^/]*)/a\\.b\\$(/[^ ]*).*|OK rewrite-url=\\1\\2|;t;s|.*|ERR|""#),
            (.envoy, "prefix_rewrite: '/v1/'"), (.traefik, "stripPrefix: { prefixes: ['/a.b$'] }"),
        ]
    )
    func stripped(proxy: Proxy, line: String) throws {
        let text = try configuration(proxy, path: "/a.b$/v1/")
        #expect(text.contains(line))
        #expect(text.contains("# freshet serve --public-url https://app.example/a.b$\n"))
        // Nothing of that where the path is the server's own.
        let own = try configuration(proxy)
        #expect(!own.contains("--public-url") && !own.contains("strip") && !own.contains("rewrite"))
    }

    @Test("lighttpd maps Location of a whole site itself, so that the server is told a URL without the path")
    func mapped() throws {
        #expect(try configuration(.lighttpd, path: "/live/").contains("--public-url https://app.example\n"))
        #expect(try configuration(.lighttpd, path: "/live/v1/").contains("--public-url https://app.example/live\n"))
        #expect(try configuration(.nginx, path: "/live/").contains("--public-url https://app.example/live\n"))
    }

    @Test(
        "The server's own paths are recognised",
        arguments: [
            ("/", "", "/"), ("/v1/", "", "/v1/"), ("/v1/stream/chat/", "", "/v1/stream/chat/"),
            ("/relay/one/v1/", "", "/relay/one/v1/"), ("/health", "", "/health/"), ("/live/v1/", "/live", "/v1/"),
            ("/a/b/v1/stream/v1/", "/a/b", "/v1/stream/v1/"), ("/live", "/live", "/"), ("/v10/", "/v10", "/"),
            ("/x/relay/one/v1", "/x", "/relay/one/v1/"), ("/v1beta/", "", "/v1beta/"), ("/x/v1beta", "/x", "/v1beta/"),
        ]
    )
    func mounts(path: String, mount: String, inside: String) throws {
        let prefix = try PathPrefix(path)
        #expect(prefix.mount == mount && prefix.inside == inside)
    }

    @Test("Each can be found by its name, and some by another")
    func names() {
        for proxy in Proxy.allCases { #expect(Proxy(named: proxy.rawValue.uppercased()) == proxy) }
        #expect(Proxy(named: "httpd") == .apache)
        #expect(Proxy(named: "ats") == .trafficserver)
        #expect(Proxy(named: "iis") == nil)
        #expect(Proxy.allCases.allSatisfy { !$0.defaults.isEmpty })
    }
}
