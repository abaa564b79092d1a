import StreamHTTP

extension Problem {
    static let jsonOnly = Problem(
        415,
        "json-only",
        title: "The body must be JSON.",
        detail: "Send it with `Content-Type: application/json`."
    )

    static func noUpstream(_ name: String?) -> Problem {
        Problem(
            404,
            "no-upstream",
            title: "No upstream answers this.",
            detail: name.map { "No upstream is named `\($0)`. The setting upstreams names them." }
                ?? "None of the configured upstreams has this path. The setting upstreams names them."
        )
    }

    static func pathNotAllowed(_ upstream: Upstream) -> Problem {
        Problem(
            403,
            "path-not-allowed",
            title: "This path may not be called.",
            detail:
                "The upstream `\(upstream.name)` is configured for \(upstream.allowed.joined(separator: ", ")) only."
        )
    }

    static let keyIsOurs = Problem(
        401,
        "key-passed-on",
        title: "The upstream needs a key of its own.",
        detail: "This upstream is called with the caller's own key. Send that as the provider wants it, and the key of "
            + "this server as `Freshet-Key: …`."
    )

    static let keyInURL = Problem(
        400,
        "key-in-url",
        title: "A key of this server stands in the URL.",
        detail: "Upstreams and logs would see it. Send it as `Freshet-Key: …`, and give it up: make a new one."
    )

    static let badIdempotencyKey = Problem(
        400,
        "bad-idempotency-key",
        title: "This is no idempotency key.",
        detail: "`Idempotency-Key` is sent once, with 1 to 255 characters of printable ASCII."
    )

    static let differentBody = Problem(
        422,
        "idempotency-mismatch",
        title: "The key was used for another request.",
        detail: "This `Idempotency-Key` came with another body before. Send a new key for a new request."
    )

    static let answerExpired = Problem(
        410,
        "answer-expired",
        title: "The answer is no longer kept.",
        detail:
            "It was given before under this `Idempotency-Key`, and is not made a second time. Send a new key to ask "
            + "again."
    )

    static func badDisconnectPolicy(_ limit: Duration) -> Problem {
        Problem(
            400,
            "bad-disconnect-policy",
            title: "This is no rule for a reader who leaves.",
            detail: "`Freshet-On-Disconnect` is `continue`, `cancel` or `grace=SECONDS`, up to "
                + "\(limit.components.seconds) seconds here."
        )
    }

    static let badEarly = Problem(
        400,
        "bad-early",
        title: "This is no time to wait.",
        detail: "`Freshet-Early` is sent once, with a number of seconds from 0 to 86400: how long to wait for the "
            + "upstream before the response begins; 0 for as long as it takes."
    )

    static func tooManyRunning(_ limit: Int) -> Problem {
        Problem(
            429,
            "too-many-answers",
            title: "Too many answers are being written.",
            detail: "\(limit) may be, at one time. Wait for one to end, or stop one.",
            headers: [HeaderField("Retry-After", "5")]
        )
    }

    static func unreachable(_ upstream: Upstream, _ reason: String) -> Problem {
        Problem(
            502,
            "upstream-unreachable",
            title: "The upstream cannot be reached.",
            detail: "`\(upstream.name)` did not answer: \(reason)."
        )
    }

    static func silent(_ upstream: Upstream) -> Problem {
        Problem(
            504,
            "upstream-silent",
            title: "The upstream says nothing.",
            detail:
                "`\(upstream.name)` sent nothing of an answer for relay-idle-seconds, or nothing that says anything "
                + "for relay-wordless-seconds."
        )
    }

    static func redirected(_ upstream: Upstream) -> Problem {
        Problem(
            502,
            "upstream-redirect",
            title: "The upstream sends elsewhere.",
            detail:
                "`\(upstream.name)` answered with a redirect, which is not followed: the key would go to whoever it "
                + "names. Configure the address it leads to."
        )
    }

    static func encoded(_ upstream: Upstream) -> Problem {
        Problem(
            502,
            "upstream-encoded",
            title: "The upstream's stream is compressed.",
            detail: "`\(upstream.name)` was asked for identity encoding and sent one that cannot be unpacked here."
        )
    }

    static let stoppedBeforeFirstByte = Problem(
        409,
        "answer-stopped",
        title: "The answer was stopped before it began.",
        detail: "Its stream was cancelled while the upstream had not answered yet.",
        // The clients of OpenAI and Anthropic repeat what is answered 409: Stop would begin the answer anew.
        headers: [HeaderField("X-Should-Retry", "false")]
    )

    static let interruptedBeforeFirstByte = Problem(
        502,
        "answer-interrupted",
        title: "The answer was interrupted before it began.",
        detail: "The server went away while the upstream had not answered yet. Ask again with a new `Idempotency-Key`."
    )

    static let relayDraining = Problem(
        503,
        "draining",
        title: "The server is going away.",
        detail: "Nothing is begun any more. Try again in a moment.",
        headers: [HeaderField("Retry-After", "2")]
    )

    static let relayStore = Problem(
        503,
        "store-unavailable",
        title: "The store cannot be reached.",
        detail: "The upstream was not called. Try again in a moment.",
        headers: [HeaderField("Retry-After", "2")]
    )

    static let relayFull = Problem(
        507,
        "store-full",
        title: "There is no room.",
        detail: "There is no room for another answer, and the upstream was not called."
    )

    static func badPath(_ reason: String) -> Problem {
        Problem(
            400,
            "bad-path",
            title: "This is no path of an upstream.",
            detail: "\(reason): not every upstream would understand it alike. Write the path plainly, without `.` and "
                + "`..`."
        )
    }

    static func unknownRequestCoding(_ accepted: String) -> Problem {
        Problem(
            415,
            "unsupported-content-encoding",
            title: "The body has a coding that is not known here.",
            detail: "Send it plain, or with one of these as its only `Content-Encoding`: \(accepted).",
            headers: [HeaderField("Accept-Encoding", accepted)]
        )
    }

    static func brokenRequestCoding(_ coding: String) -> Problem {
        Problem(
            400,
            "bad-content-encoding",
            title: "The body is not what its Content-Encoding says.",
            detail: "It cannot be unpacked as \(coding), or ends before that does."
        )
    }

    static func unpackedBodyTooLarge(_ limit: Int) -> Problem {
        Problem(
            413,
            "body-too-large",
            title: "The body is too large.",
            detail: "Unpacked it has more than \(limit) bytes, which is relay-body-bytes."
        )
    }
}
