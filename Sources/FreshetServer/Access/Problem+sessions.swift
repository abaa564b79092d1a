import StreamHTTP

@available(freshet 0.1, *)
extension Problem {
    static func badSession(_ reason: String) -> Problem {
        Problem(
            400,
            "bad-session",
            title: "Invalid session request",
            detail: "\(reason) The body is JSON such as {\"read\": [\"answers/42\"], \"for\": 600}: names by their "
                + "right, or true for all on which the key or token has it, and seconds. Each may be missing, and so may the body."
        )
    }

    /// A session has what its credential has, or less.
    static func sessionTooWide(_ right: String, _ name: String) -> Problem {
        Problem(
            403,
            "session-too-wide",
            title: "Session too wide",
            detail: "The key or token that asks for a session lacks \(right) on all of \"\(name)\". A session may "
                + "narrow what it has, and no more: a name is that stream alone, unless it ends in / or *."
        )
    }

    static func nothingForSession(_ rights: Rights) -> Problem {
        Problem(
            403,
            "session-too-wide",
            title: "Session too wide",
            detail: "The key or token has none of what the session is for: \(rights). A session is for reading, unless "
                + "its request names other rights."
        )
    }

    static let sessionOfUnknownPage = Problem(
        403,
        "session-origin",
        title: "Session for another page",
        detail: "A session that may do more than read is given to pages of this server's own origin and of "
            + "`allowed-origins` only. Ask for it from such a page, whose browser says so (Origin), or ask for `read` alone."
    )

    static func sessionTooLarge(_ bytes: Int) -> Problem {
        Problem(
            413,
            "session-too-large",
            title: "Session too large",
            detail: "The session's cookie would have \(bytes) bytes, and browsers keep no more than 4096 of all there "
                + "is to a cookie: here \(SessionRoute.mostBytes) is the limit. Narrow it: ask for fewer names, or for what they "
                + "begin with."
        )
    }

    /// What a page of another site that has no session can do.
    static let sessionElsewhere =
        "This request comes from a page of another site. Its browser sends it a session cookie only over https and "
        + "only where Freshet-Session, in the response to POST /v1/session, says partitioned. Where it says unusable, or "
        + "the browser refuses cookies of other sites, send Authorization with each request: fetch() and FreshetSource "
        + "do, an EventSource cannot."

    static func missingRightOfSession(_ right: Rights, stream: String, caller: Caller) -> Problem {
        let missing = Rights.named.filter { right.contains($0.right) && !caller.may($0.right, stream) }.map(\.name)
        return Problem(
            403,
            "missing-right",
            title: "Insufficient rights",
            detail: "The session lacks \(missing.joined(separator: " and ")) on "
                + "\(stream.isEmpty ? "every stream" : "the stream \"\(stream)\""): its key or token does, or it was not asked "
                + "for. A session is for reading, unless its request names other rights: get another one by POST "
                + "/v1/session with a body such as {\"\(missing.first ?? "read")\": true}."
        )
    }
}
