@available(freshet 0.1, *)
extension Proxy {
    static func nginx(_ site: ProxySite) -> String {
        let listen = (site.listen.host == nil ? "" : site.listen.host(orAll: "") + ":") + "\(site.listen.port)"
        let path = site.path
        // The target as it was sent: nginx decodes a path that it cuts itself. A name in it needs `upstream`.
        let strip =
            path.mount.isEmpty
            ? ""
            : """
            map $request_uri $freshet_target {
                "~^\(Quoting.regularExpression(path.mount))(?<inside>\(Quoting.regularExpression(path.inside)).*)$" $inside;
                default \(path.inside);
            }
            upstream freshet {
                server \(site.upstream.authority);
            }

            """
        let target = path.mount.isEmpty ? site.upstream.origin : "http://freshet$freshet_target"
        return """
            # nginx in front of Freshet: /etc/nginx/conf.d/freshet.conf, then: nginx -t && nginx -s reload
            \(strip)server {
                listen \(listen);
                # TLS, and HTTP/2 for browsers, which open only six connections to a host over HTTP/1.1:
                # listen 443 ssl http2;
                # ssl_certificate     /etc/ssl/site.pem;
                # ssl_certificate_key /etc/ssl/site.key;

                location ^~ \(Quoting.doubleQuotedIfOdd(site.path.text)) {
                    proxy_pass \(target);
                    # HTTP/1.0, the default, makes a dead server look like the end of the answer.
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-Proto $scheme;

                    # Readers: every event at once, however quiet the stream.
                    proxy_buffering off;
                    proxy_cache off;
                    gzip off;
                    proxy_read_timeout 1h;
                    # So that another nginx outside this one does not buffer either.
                    proxy_pass_header X-Accel-Buffering;

                    # Streaming producers: their bodies while they are written, however long and quiet.
                    proxy_request_buffering off;
                    client_max_body_size 0;
                    client_body_timeout 1h;
                    proxy_send_timeout 1h;
                }
            }

            """
    }
}
