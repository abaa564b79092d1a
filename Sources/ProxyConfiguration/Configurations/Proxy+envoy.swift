@available(freshet 0.1, *)
extension Proxy {
    static func envoy(_ site: ProxySite) -> String {
        let address = site.listen.host ?? "0.0.0.0"
        let rewrite =
            site.path.mount.isEmpty ? "" : ", prefix_rewrite: \(Quoting.yaml(site.path.inside))"
        return """
            # Envoy in front of Freshet: envoy.yaml; check it with: envoy --mode validate -c envoy.yaml
            static_resources:
              listeners:
                - name: web
                  address: { socket_address: { address: '\(address)', port_value: \(site.listen.port) } }
                  filter_chains:
                    # TLS: a transport_socket here, with alpn_protocols: [h2, http/1.1] for browsers.
                    - filters:
                        - name: envoy.filters.network.http_connection_manager
                          typed_config:
                            "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                            stat_prefix: web
                            # Readers and streaming producers, however quiet: 5 minutes by default.
                            stream_idle_timeout: 3600s
                            route_config:
                              virtual_hosts:
                                - name: freshet
                                  domains: ["*"]
                                  routes:
                                    - match: { prefix: \(Quoting.yaml(site.path.text)) }
                                      # `timeout` is for the whole answer: by default every stream is cut after 15 s.
                                      route: { cluster: freshet, timeout: 0s, idle_timeout: 3600s\(rewrite) }
                            http_filters:
                              # No buffer filter here: it would hold request bodies.
                              - name: envoy.filters.http.router
                                typed_config:
                                  "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              clusters:
                - name: freshet
                  type: \(site.upstream.isAddress ? "STATIC" : "STRICT_DNS")
                  connect_timeout: 5s
                  load_assignment:
                    cluster_name: freshet
                    endpoints:
                      - lb_endpoints:
                          - endpoint:
                              address: { socket_address: { address: '\(site.upstream.host)', port_value: \(site.upstream.port) } }

            """
    }
}
