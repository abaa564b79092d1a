@available(freshet 0.1, *)
extension Proxy {
    /// What goes wrong without the configuration, measured with the proxy's own defaults (docs/proxies.md).
    package var defaults: [String] {
        switch self {
        case .nginx:
            [
                "speaks HTTP/1.0 to the server and collects 4 KB before it passes anything on (Freshet's X-Accel-Buffering: no "
                    + "prevents that, in one nginx; a second one outside collects again)",
                "keeps a producer's body until it is complete, and refuses more than 1 MB",
                "cuts a stream after 60 s of silence; a server that dies looks like a complete answer",
            ]
        case .haproxy:
            [
                "holds each event of a chunked answer up to 200 ms",
                "cuts a stream after 50 s of silence as Debian configures it",
                "keeps the connection of a reader that left until two more writes",
            ]
        case .apache:
            [
                "keeps the first 16 KB of a producer's body, and cuts one that is slow (mod_reqtimeout)",
                "cuts a stream after 60 s of silence; Debian says 300 s",
                "compresses text where a site sets DEFLATE for everything",
            ]
        case .varnish:
            [
                "shares one answer between readers that ask at the same time, unless the server forbids it as Freshet does",
                "holds 32 KB where a VCL says do_gzip, everything where it says do_stream = false",
                "cuts a stream, or a producer, after 60 s or 5 s of silence; notices a reader that left after three writes",
            ]
        case .caddy:
            [
                "passes events on at once, but holds up to 63 KB with `encode`, whatever the server asks for",
                "notices a reader that left only after four writes with `flush_interval -1`, which advice often adds",
                "a server that dies looks like a complete answer",
            ]
        case .lighttpd:
            [
                "keeps the whole answer until it is complete: a stream without an end never arrives",
                "keeps a producer's body until it is complete, and cuts one that is silent for 60 s",
            ]
        case .trafficserver:
            [
                "cuts a stream after 30 s of silence, and any after 15 minutes",
                "asks the server again every 30 s while it waits for an answer",
                "holds up to 33 KB with the compress plugin",
            ]
        case .squid:
            ["passes events on at once; cuts a stream after 15 minutes of silence"]
        case .envoy:
            ["cuts every answer after 15 s, while events flow too, and one that is silent for 5 minutes"]
        case .traefik:
            [
                "cuts a producer's body after 60 s (readTimeout, since 2.11.2)",
                "holds events with its compress or buffering middleware",
            ]
        }
    }
}
