/// To whom a browser sends a session cookie: what `Freshet-Session` says.
@available(freshet 0.1, *)
enum SessionReach: String, Sendable, Equatable {
    /// To pages of the server's own site.
    case sameSite = "same-site"
    /// To pages of the site that asked for it, wherever that is, over https.
    case partitioned
    /// The page is on another site, and there is no https: no browser sends it from there.
    case unusable

    init(_ facts: RequestFacts, isSecure: Bool) {
        self = !facts.isFromAnotherSite ? .sameSite : isSecure ? .partitioned : .unusable
    }
}

@available(freshet 0.1, *)
extension RequestFacts {
    /// Whether a page of another site sent it, as far as it says so. Who sends an origin and no `Sec-Fetch-Site` is taken
    /// by the host: a cookie for another site serves pages of the same one too.
    var isFromAnotherSite: Bool {
        switch secFetchSite?.lowercased() {
        case "cross-site": true
        case "same-site", "same-origin", "none": false
        default:
            origin.flatMap(WebOrigin.init(parsing:)).map { page in
                page.host != host.flatMap(Authority.init(parsing:))?.host
            } ?? false
        }
    }
}
