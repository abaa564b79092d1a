package import StreamHTTP

@available(freshet 0.1, *)
extension Problem {
    static func foreignHost(_ host: String) -> Problem {
        Problem(
            403,
            "foreign-host",
            title: "Host not allowed",
            detail:
                "The request's Host is \"\(host)\". Bound to loopback, the server accepts only localhost, 127.0.0.1 "
                + "and "
                + "[::1], so that no other site's page can reach it through a host name of its own. If the name is "
                + "yours, add it to the `hosts` setting."
        )
    }

    static func foreignOrigin(_ origin: String?) -> Problem {
        Problem(
            403,
            "foreign-origin",
            title: "Origin not allowed",
            detail: origin.map {
                "The request comes from a page of \"\($0)\", which is neither this server's own origin nor an allowed one. "
                    + "If the page is yours, add its origin to the `allowed-origins` setting; behind a proxy, let "
                    + "the proxy "
                    + "pass the Host header on."
            }
                ?? "The request comes from a page of another site (Sec-Fetch-Site: cross-site) and does not say which. "
                + "Send it with fetch() from an allowed origin, or from a program that is not a browser."
        )
    }

    package static func noKey(takesTokens: Bool = false) -> Problem {
        Problem(
            401,
            "no-key",
            title: "Key required",
            detail:
                "Send Authorization: Bearer KEY, with a key from the server's keys file"
                + "\(takesTokens ? " or a token of its issuer" : ""). A page gets a session "
                + "cookie for a key by POST /v1/session; it allows reading, and what else its request names.",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\"")]
        )
    }

    package static func notKnown() -> Problem {
        Problem(
            401,
            "not-known",
            title: "Not authenticated",
            detail: "The application that embeds this server controls access and does not recognize this request. "
                + "Log in first."
        )
    }

    /// A program let somebody in until a time that is over.
    static func decisionExpired() -> Problem {
        Problem(
            401,
            "credential-expired",
            title: "Credential expired",
            detail: "The application that embeds this server let this request in until a time that has passed. "
                + "Log in again.",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
        )
    }

    static func wrongKey() -> Problem {
        Problem(
            401,
            "wrong-key",
            title: "Invalid key",
            detail:
                "The Authorization header holds no key from the server's keys file. It must be Bearer KEY, with the "
                + "key as it was generated, not its digest; keys added to the file take effect when the server reads "
                + "it again (SIGHUP, or reload-seconds).",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
        )
    }

    /// A request that was open when its right ended.
    static func lostRight(_ loss: RightLoss) -> Problem {
        let headers = [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
        return switch loss {
        case .expired:
            Problem(
                401,
                "credential-expired",
                title: "Credential expired",
                detail: "The credential expired while the request was open. Send the request with another one.",
                headers: headers
            )
        case .revoked:
            Problem(
                401,
                "credential-revoked",
                title: "Right revoked",
                detail:
                    "The right to this was taken away while the request was open. Send the request with another credential.",
                headers: headers
            )
        }
    }

    package static func noToken() -> Problem {
        Problem(
            401,
            "no-token",
            title: "Token required",
            detail: "Send Authorization: Bearer TOKEN, with a token that an issuer of this server has signed.",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\"")]
        )
    }

    /// - Parameter reason: A sentence. It says nothing that the sender of the token does not know.
    package static func wrongToken(_ reason: String) -> Problem {
        Problem(
            401,
            "wrong-token",
            title: "Invalid token",
            detail: "The token in the Authorization header is not valid here. \(reason)",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
        )
    }

    package static func expiredToken() -> Problem {
        Problem(
            401,
            "expired-token",
            title: "Token expired",
            detail: "The token in the Authorization header has expired (exp). Get a new one from its issuer.",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
        )
    }

    package static func issuerUnreachable() -> Problem {
        Problem(
            503,
            "issuer-unreachable",
            title: "No keys of the issuer",
            detail:
                "The server does not have the keys to verify tokens yet: the URL of jwt-jwks does not respond as it "
                + "should. The server's log says why.",
            headers: [HeaderField("Retry-After", "30")]
        )
    }

    static func missingRightOfToken(_ right: Rights, stream: String, caller: Caller) -> Problem {
        let missing = Rights.named.filter { right.contains($0.right) && !caller.may($0.right, stream) }.map(\.name)
        let rights = missing.joined(separator: " and ")
        return Problem(
            403,
            "missing-right",
            title: "Insufficient rights",
            detail:
                "The token lacks \(rights) on \(stream.isEmpty ? "every stream" : "the stream \"\(stream)\""). Its rights are in a "
                + "claim, such as {\"\(missing.first ?? "read")\": [\"\(stream.isEmpty ? "*" : stream)\"]}: a name is that "
                + "stream alone, unless it ends in / or *."
        )
    }

    static func missingRight(_ right: Rights, stream: String, caller: Caller) -> Problem {
        let missing = Rights.named.filter { right.contains($0.right) && !caller.may($0.right, stream) }.map(\.name)
        let prefixes = caller.grants.filter { !$0.rights.isDisjoint(with: right) }.flatMap(\.prefixes).map(
            \.description
        )
        let elsewhere =
            prefixes.isEmpty ? "on no stream" : "only on names that begin with \(prefixes.joined(separator: " or "))"
        let rights = missing.joined(separator: " and ")
        let (place, prefix) =
            stream.isEmpty ? ("every stream", "the prefix *") : ("the stream \"\(stream)\"", "a prefix of that name")
        return Problem(
            403,
            "missing-right",
            title: "Insufficient rights",
            detail:
                "The key \"\(caller.name)\" lacks \(rights) on \(place): it has \(rights) \(elsewhere). Use another key, or "
                + "add a line for \"\(caller.name)\" with \(missing.joined(separator: ",")) and \(prefix) to the keys "
                + "file."
        )
    }

    /// Without keys, and reached by others than this machine.
    static let keyForInspection = Problem(
        403,
        "missing-right",
        title: "Insufficient rights",
        detail: "This server has no keys, and other machines reach it: it tells who reads only to a key with the right "
            + "`inspect`. Start it with a keys file, or on 127.0.0.1."
    )
}
