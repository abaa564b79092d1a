package import StreamHTTP

extension Problem {
    static func foreignHost(_ host: String) -> Problem {
        Problem(
            403,
            "foreign-host",
            title: "This server does not answer to that host",
            detail:
                "The request's Host is \"\(host)\". Bound to loopback, the server answers to localhost, 127.0.0.1 and "
                + "[::1] only, so that no page of another site reaches it through a name of its own. If the name is "
                + "yours, add it to the setting hosts."
        )
    }

    static func foreignOrigin(_ origin: String?) -> Problem {
        Problem(
            403,
            "foreign-origin",
            title: "A page of another origin may not change streams",
            detail: origin.map {
                "The request comes from a page of \"\($0)\", which is neither this server's own origin nor an allowed one. "
                    + "If the page is yours, add its origin to the setting allowed-origins; behind a proxy, let the proxy "
                    + "pass the Host header on."
            }
                ?? "The request comes from a page of another site (Sec-Fetch-Site: cross-site) and does not say which. "
                + "Send it with fetch() from an allowed origin, or from a program instead of a page."
        )
    }

    package static func noKey() -> Problem {
        Problem(
            401,
            "no-key",
            title: "A key is needed",
            detail:
                "Send Authorization: Bearer KEY, with a key of the server's keys file. A page gets a session cookie for "
                + "a key by POST /v1/session; it counts for reading, and for requests from the server's own pages.",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\"")]
        )
    }

    package static func notKnown() -> Problem {
        Problem(
            401,
            "not-known",
            title: "It is not known who asks",
            detail: "The program that this server is a part of decides who may, and knows nobody by this request. "
                + "Log in first."
        )
    }

    static func wrongKey() -> Problem {
        Problem(
            401,
            "wrong-key",
            title: "The key is not known",
            detail:
                "The Authorization header has no key of the server's keys file. It must be Bearer KEY, with the key as "
                + "it was made, not its digest; keys added to the file count after a restart.",
            headers: [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
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
        return Problem(
            403,
            "missing-right",
            title: "The key does not give this right",
            detail:
                "The key \"\(caller.name)\" lacks \(rights) on the stream \"\(stream)\": it has \(rights) \(elsewhere). "
                + "Use another key, or add a line for \"\(caller.name)\" with \(missing.joined(separator: ",")) and a "
                + "prefix of that name to the keys file."
        )
    }
}
