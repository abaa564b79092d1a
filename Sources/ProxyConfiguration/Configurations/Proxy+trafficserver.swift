@available(freshet 0.1, *)
extension Proxy {
    static func trafficserver(_ site: ProxySite) -> String {
        let path = site.path.text
        let settings = [
            "proxy.config.url_remap.pristine_host_hdr=1",
            "proxy.config.http.cache.http=0",
            "proxy.config.http.transaction_no_activity_timeout_in=3600",
            "proxy.config.http.transaction_no_activity_timeout_out=3600",
            "proxy.config.http.transaction_active_timeout_in=0",
            "proxy.config.http.transaction_active_timeout_out=0",
        ]
        return """
            # Apache Traffic Server in front of Freshet: /etc/trafficserver/remap.config, then: traffic_ctl config reload
            # In records.config, the port that it listens on:
            #     CONFIG proxy.config.http.server_ports STRING \(Self.serverPort(site.listen))
            # Where compress.so is used, in its file: compressible-content-type !text/event-stream
            #
            # The Host of the client; no cache; readers and streaming producers however quiet and however long: by default it
            # cuts after 30 s of silence and after 15 minutes in all.
            map \(path) \(site.upstream.origin)\(site.path.inside) @plugin=conf_remap.so \
            \(settings.map { "@pparam=" + $0 }.joined(separator: " "))

            """
    }

    private static func serverPort(_ listen: ListenAddress) -> String {
        guard listen.host != nil else { return "\(listen.port)" }
        return "\(listen.port):ip-in=\(listen.host(orAll: ""))" + (listen.isIPv6 ? ":ipv6" : "")
    }
}
