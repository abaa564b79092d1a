/// The lines that mend a finding, for each software that is known to cause it. Each was verified (docs/proxies.md), or
/// is from that software's documentation.
@available(freshet 0.1, *)
enum Remedy {
    /// The line for the first of these that has one, or all lines that come into question.
    ///
    /// - Parameter coding: what the response was compressed with.
    static func of(_ code: FindingCode, at layers: [Intermediary], coding: String? = nil, otherwise: String) -> String {
        let lines = lines(code, coding)
        for layer in layers {
            if let line = lines[layer] { return "\(layer.title): \(line)" }
        }
        return otherwise
    }

    private static func lines(_ code: FindingCode, _ coding: String?) -> [Intermediary: String] {
        switch code {
        case .fullBuffer, .buffer, .oneEventBehind:
            [
                .nginx: "proxy_buffering off;  (and proxy_http_version 1.1; gzip off;)",
                .haproxy: "option http-no-delay",
                .varnish: "set beresp.do_stream = true; set beresp.do_gzip = false;",
                .lighttpd: "server.stream-response-body = 1",
                .mitmproxy: "--set stream_large_bodies=1",
                .privoxy: "exempt the address: { -filter } in user.action",
                .caddy:
                    "take text/event-stream out of encode (an allow-list: encode { match { header Content-Type text/html* } })",
                .h2o: "compress: OFF for this path",
                .iis: "<urlCompression doDynamicCompression=\"false\"/> and responseBufferLimit=\"0\"",
                .cloudflare: "serve it as text/event-stream; without Enterprise nothing else can be set",
                .fastly: "set beresp.do_stream = true;",
            ]
        case .compressionBuffer:
            [
                .nginx: coding == "br" ? "brotli off;" : coding == "zstd" ? "zstd off;" : "gzip off;",
                .haproxy: "leave text/event-stream out of  compression type",
                .lighttpd: "leave text/event-stream out of deflate.mimetypes",
                .envoy: "leave text/event-stream out of content_type of the compressor",
                .cloudflare: "a compression rule without compression for the path",
                .cloudFront: "a cache policy without compression for the path",
                .apache: "SetEnvIf Request_URI \"^/v1/\" no-gzip=1 no-brotli=1",
                .varnish: "set beresp.do_gzip = false;",
                .caddy:
                    "take text/event-stream out of encode (an allow-list: encode { match { header Content-Type text/html* } })",
                .trafficServer: "compressible-content-type !text/event-stream (compress.config)",
                .h2o: "compress: OFF for this path",
                .express: "leave text/event-stream out of compression()",
                .iis: "<urlCompression doDynamicCompression=\"false\"/>",
            ]
        case .headersHeld:
            [
                .nginx: "proxy_buffering off;  (with HTTP/2 in front: nginx 1.26 or later)"
            ]
        case .http10Upstream:
            [.nginx: "proxy_http_version 1.1; proxy_set_header Connection \"\";"]
        case .idleCut:
            [
                .nginx: "proxy_read_timeout 1h; proxy_send_timeout 1h;",
                .haproxy: "timeout server 1h  and  timeout client 1h",
                .apache: "ProxyPass ... timeout=3600",
                .varnish: ".between_bytes_timeout = 3600s;",
                .trafficServer: "proxy.config.http.transaction_no_activity_timeout_out=3600 and ..._in=3600",
                .h2o: "proxy.timeout.io: 3600000",
                .envoy: "stream_idle_timeout: 3600s, and idle_timeout: 3600s on the route",
            ]
        case .durationCap:
            [
                .envoy: "timeout: 0s on the route",
                .trafficServer: "proxy.config.http.transaction_active_timeout_in=0",
                .google: "gcloud compute backend-services update NAME --timeout=86400",
            ]
        case .replayedFromCache, .sharedResponse:
            [
                .nginx: "proxy_cache off;",
                .varnish: "if (req.http.Accept ~ \"text/event-stream\") { return (pass); }",
                .fastly: "return(pass);",
                .cloudflare: "a cache rule that bypasses the cache",
            ]
        case .deathLooksClean:
            [
                .nginx: "proxy_http_version 1.1; proxy_set_header Connection \"\";",
                .haproxy: "3.0 or later (with HTTP/2 in front)",
            ]
        case .disconnectOnWrite:
            [
                .haproxy: "option abortonclose  in defaults",
                .nginx: "proxy_ignore_client_abort off;",
                .caddy: "leave flush_interval out",
                .lighttpd: "server.stream-response-body = 1",
            ]
        case .concurrency:
            [
                .apache:
                    "a larger MaxRequestWorkers; of one HTTP/2 connection it serves some six streams until others have ended: let the "
                    + "tabs of a page share one (a SharedWorker)",
                .haproxy: "a larger maxconn on the server line",
                .nginx: "a larger limit_conn, and worker_connections",
            ]
        case .uploadBuffered:
            [
                .nginx: "proxy_request_buffering off;  (and proxy_http_version 1.1; client_max_body_size 0;)",
                .apache: "SetEnvIf Request_URI \"^/v1/\" proxy-prefetch-nonblocking=1 proxy-sendchunked=1",
                .privoxy:
                    "no setting does it, a chunked body is read whole: let the producer reach the server around it, or "
                    + "append in requests that have a Content-Length",
                .lighttpd: "server.stream-request-body = 1",
                .mitmproxy: "--set stream_large_bodies=1",
                .trafficServer: "CONFIG proxy.config.http.request_buffer_enabled INT 0",
            ]
        case .live, .stripped, .unaskedCoding: [:]
        }
    }
}
