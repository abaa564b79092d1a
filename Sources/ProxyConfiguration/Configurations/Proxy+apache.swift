@available(freshet 0.1, *)
extension Proxy {
    static func apache(_ site: ProxySite) -> String {
        let path = site.path.text
        let listen = (site.listen.host == nil ? "" : site.listen.host(orAll: "") + ":") + "\(site.listen.port)"
        return """
            # Apache httpd in front of Freshet: /etc/apache2/sites-available/freshet.conf, then:
            # a2enmod proxy proxy_http headers && a2ensite freshet && apachectl configtest && apachectl graceful
            Listen \(listen)
            <VirtualHost \(site.listen.host(orAll: "*")):\(site.listen.port)>
                # TLS: SSLEngine on, SSLCertificateFile, SSLCertificateKeyFile; HTTP/2 for browsers: Protocols h2 http/1.1

                ProxyPreserveHost On
                RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
                AllowEncodedSlashes NoDecode
                ProxyPass "\(path)" "\(site.upstream.origin)\(site.path.inside)" timeout=3600 nocanon

                # Readers: neither DEFLATE nor BROTLI, wherever the site sets them.
                SetEnvIf Request_URI "^\(Quoting.regularExpression(path))" no-gzip=1 no-brotli=1

                # Streaming producers: their bodies while they are written, not from the first 16 KB on, however long and quiet.
                # One that was told to stop hears so when its body ends, by a 400; `freshet append` hears it at once.
                SetEnvIf Request_URI "^\(Quoting.regularExpression(path))" proxy-prefetch-nonblocking=1 proxy-sendchunked=1
                LimitRequestBody 0
                TimeOut 3600
                <IfModule reqtimeout_module>
                    RequestReadTimeout header=20-40,MinRate=500 body=0
                </IfModule>
            </VirtualHost>

            """
    }
}
