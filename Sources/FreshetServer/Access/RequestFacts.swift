/// What a request says about who sent it and from where.
@available(freshet 0.1, *)
package struct RequestFacts: Sendable {
    package var method: String
    package var host: String?
    package var origin: String?
    package var secFetchSite: String?
    package var authorization: String?
    package var cookie: String?
    package var forwardedProto: String?
    /// It came over TLS that this server ended.
    package var isSecure: Bool

    package init(
        method: String,
        host: String? = nil,
        origin: String? = nil,
        secFetchSite: String? = nil,
        authorization: String? = nil,
        cookie: String? = nil,
        forwardedProto: String? = nil,
        isSecure: Bool = false
    ) {
        self.method = method
        self.host = host
        self.origin = origin
        self.secFetchSite = secFetchSite
        self.authorization = authorization
        self.cookie = cookie
        self.forwardedProto = forwardedProto
        self.isSecure = isSecure
    }

    /// Whether the method changes nothing. One that is not known counts as changing something.
    var isSafe: Bool {
        switch method {
        case "GET", "HEAD", "OPTIONS": true
        default: false
        }
    }

    /// Whether the browser came by https, to this server or to the first proxy.
    package var isHTTPS: Bool { isSecure || isForwardedHTTPS }

    /// Whether the browser came by https, as the first proxy says. A client that lies about it only makes its own
    /// cookie useless.
    package var isForwardedHTTPS: Bool {
        let first = forwardedProto?.split(separator: ",", omittingEmptySubsequences: false).first ?? ""
        return first.filter { $0 != " " && $0 != "\t" }.lowercased() == "https"
    }
}
