import StreamHTTP

@available(freshet 0.1, *)
extension Problem {
    static let jsonOnly = Problem(
        415,
        "json-only",
        title: "JSON body required",
        detail: "Send it with `Content-Type: application/json`."
    )

    static func noUpstream(_ name: String?) -> Problem {
        Problem(
            404,
            "no-upstream",
            title: "No such upstream",
            detail: name.map { "No upstream is named `\($0)`. The `upstreams` setting lists them." }
                ?? "No configured upstream has this path. The `upstreams` setting lists them."
        )
    }

    static func pathNotAllowed(_ upstream: Upstream) -> Problem {
        Problem(
            403,
            "path-not-allowed",
            title: "Path not allowed",
            detail:
                "The upstream `\(upstream.name)` allows only \(upstream.allowed.joined(separator: ", "))."
        )
    }

    static let keyIsOurs = Problem(
        401,
        "key-passed-on",
        title: "Upstream key required",
        detail:
            "This upstream is called with your own provider key. Send that the way the provider expects it, and "
            + "the key of "
            + "this server as `Freshet-Key: …`."
    )

    static let keyInURL = Problem(
        400,
        "key-in-url",
        title: "Key in URL",
        detail:
            "Upstreams and logs would see it. Send it as `Freshet-Key: …`, and replace this key, which is now "
            + "exposed."
    )

    static let badIdempotencyKey = Problem(
        400,
        "bad-idempotency-key",
        title: "Invalid idempotency key",
        detail: "`Idempotency-Key` must be sent once, as 1 to 255 printable ASCII characters."
    )

    static let differentBody = Problem(
        422,
        "idempotency-mismatch",
        title: "Idempotency key reused",
        detail: "This `Idempotency-Key` was used with another body. Send a new key for a new request."
    )

    static func noResponse(_ id: String) -> Problem {
        Problem(
            404,
            "no-such-response",
            title: "No such response",
            detail: "No response `\(id.prefix(128))` was made here with this key, or it is not kept any more."
        )
    }

    static let noResponseList = Problem(
        404,
        "no-such-response",
        title: "No such response",
        detail: "Responses are not listed here: this server's own key would list everybody's."
    )

    static let badStartingAfter = Problem(
        400,
        "bad-starting-after",
        title: "Invalid starting_after",
        detail: "`starting_after` is the `sequence_number` of the last event that you have: a whole number."
    )

    static let answerExpired = Problem(
        410,
        "answer-expired",
        title: "Answer expired",
        detail:
            "It was already generated for this `Idempotency-Key` and is not generated twice. Send a new key to ask "
            + "again."
    )

    static func badDisconnectPolicy(_ limit: Duration) -> Problem {
        Problem(
            400,
            "bad-disconnect-policy",
            title: "Invalid disconnect policy",
            detail: "`Freshet-On-Disconnect` is `continue`, `cancel` or `grace=SECONDS`, up to "
                + "\(limit.components.seconds) seconds here."
        )
    }

    static let badEarly = Problem(
        400,
        "bad-early",
        title: "Invalid Freshet-Early",
        detail: "`Freshet-Early` must be sent once, with a number of seconds from 0 to 86400: how long to wait for the "
            + "upstream before the response begins; 0 for as long as it takes."
    )

    static func tooManyRunning(_ limit: Int) -> Problem {
        Problem(
            429,
            "too-many-answers",
            title: "Too many answers in progress",
            detail: "At most \(limit) answers may be in progress at a time. Wait for one to end, or stop one.",
            headers: [HeaderField("Retry-After", "5")]
        )
    }

    /// - Parameter hasAnswered: it did, with what is of no use: the call would be paid for again and come to the same.
    static func unreachable(_ upstream: Upstream, _ reason: String, hasAnswered: Bool = false) -> Problem {
        Problem(
            502,
            "upstream-unreachable",
            title: "Upstream unreachable",
            detail: "`\(upstream.name)` did not answer: \(reason).",
            headers: hasAnswered ? [.noRetry] : []
        )
    }

    static func silent(_ upstream: Upstream) -> Problem {
        Problem(
            504,
            "upstream-silent",
            title: "Upstream timed out",
            detail:
                "`\(upstream.name)` sent nothing of an answer for relay-idle-seconds, or nothing that says anything "
                + "for relay-wordless-seconds."
        )
    }

    static func redirected(_ upstream: Upstream) -> Problem {
        Problem(
            502,
            "upstream-redirect",
            title: "Upstream redirected",
            detail:
                "`\(upstream.name)` responded with a redirect, which is not followed: the key would go to the "
                + "address it "
                + "names. Configure the address it leads to.",
            headers: [.noRetry]
        )
    }

    static func encoded(_ upstream: Upstream) -> Problem {
        Problem(
            502,
            "upstream-encoded",
            title: "Upstream response is compressed",
            detail: "`\(upstream.name)` was asked for identity encoding and sent one that cannot be unpacked here.",
            headers: [.noRetry]
        )
    }

    static let stoppedBeforeFirstByte = Problem(
        409,
        "answer-stopped",
        title: "Answer stopped before it began",
        detail: "Its stream was cancelled before the upstream responded.",
        // Their clients repeat what is answered 409: Stop would begin the answer anew.
        headers: [.noRetry]
    )

    static let interruptedBeforeFirstByte = Problem(
        502,
        "answer-interrupted",
        title: "Answer interrupted before it began",
        detail: "The server stopped before the upstream responded. Ask again with a new `Idempotency-Key`."
    )

    static let relayDraining = Problem(
        503,
        "draining",
        title: "Server shutting down",
        detail: "The server accepts no new calls. Retry in a moment.",
        headers: [HeaderField("Retry-After", "2")]
    )

    static let noMemoryForCall = Problem(
        503,
        "overloaded",
        title: "Server overloaded",
        detail: "The server has no memory left for the bodies of calls in progress (half of `inflight-bytes`). The "
            + "upstream was not called. Retry it later.",
        headers: [HeaderField("Retry-After", "5")]
    )

    static let relayStore = Problem(
        503,
        "store-unavailable",
        title: "Store unavailable",
        detail: "The upstream was not called. Retry in a moment.",
        headers: [HeaderField("Retry-After", "2")]
    )

    static let relayFull = Problem(
        507,
        "store-full",
        title: "Store full",
        detail: "The store has no room for another answer. The upstream was not called."
    )

    static func badPath(_ reason: String) -> Problem {
        Problem(
            400,
            "bad-path",
            title: "Invalid upstream path",
            detail: "\(reason): not every upstream would understand it alike. Write the path plainly, without `.` and "
                + "`..`."
        )
    }

    static func unknownRequestCoding(_ accepted: String) -> Problem {
        Problem(
            415,
            "unsupported-content-encoding",
            title: "Unsupported Content-Encoding",
            detail: "Send it plain, or with one of these as its only `Content-Encoding`: \(accepted).",
            headers: [HeaderField("Accept-Encoding", accepted)]
        )
    }

    static func brokenRequestCoding(_ coding: String) -> Problem {
        Problem(
            400,
            "bad-content-encoding",
            title: "Invalid Content-Encoding",
            detail: "It cannot be unpacked as \(coding), or ends before that does."
        )
    }

    static func unpackedBodyTooLarge(_ limit: Int) -> Problem {
        Problem(
            413,
            "body-too-large",
            title: "Request body too large",
            detail: "Unpacked it has more than \(limit) bytes, which is relay-body-bytes."
        )
    }
}
