@available(freshet 0.1, *)
extension Proxy {
    static func varnish(_ site: ProxySite) -> String {
        let listen = "\(site.listen.host(orAll: "")):\(site.listen.port)"
        let strip =
            site.path.mount.isEmpty
            ? ""
            : "set req.url = regsub(req.url, \"^\(Quoting.regularExpression(site.path.mount))\", \"\");\n    "
        return """
            # Varnish in front of Freshet: /etc/varnish/default.vcl, and among varnishd's flags:
            #     -a \(listen) -p pipe_timeout=3600
            # pipe_timeout, 60 s by default, is how long a streaming producer may be silent. Readers hear a heartbeat every 10 s.
            vcl 4.1;

            backend freshet {
                .host = "\(site.upstream.host)";
                .port = "\(site.upstream.port)";
            }

            sub vcl_recv {
                if (req.url !~ "^\(Quoting.regularExpression(site.path.text))") {
                    # Here: the rest of the site.
                    return (synth(404));
                }
                \(strip)set req.backend_hint = freshet;
                # Events and streaming bodies in both directions at once; a reader that leaves is noticed at once.
                if (req.proto == "HTTP/1.1") {
                    return (pipe);
                }
                # HTTP/2 cannot be piped. Here a reader that left is noticed after three heartbeats.
                return (pass);
            }

            sub vcl_pipe {
                # What follows on this connection may be for somebody else.
                set bereq.http.Connection = "close";
                return (pipe);
            }

            sub vcl_backend_fetch {
                set bereq.first_byte_timeout = 3600s;
                set bereq.between_bytes_timeout = 3600s;
            }

            sub vcl_backend_response {
                set beresp.uncacheable = true;
                set beresp.do_stream = true;
                set beresp.do_gzip = false;
                return (deliver);
            }

            """
    }
}
