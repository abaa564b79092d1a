import StreamCore
package import StreamHTTP

extension Problem {
    static let reservedName = Problem(
        403,
        "reserved-name",
        title: "This name is the server's own.",
        detail: "What begins with `\(StreamName.reservedPrefix)` is the server's memory, and no stream for callers."
    )

    static let writtenByServer = Problem(
        403,
        "written-by-server",
        title: "Only the server writes this stream.",
        detail: "It is an answer of the relay, which can be read, cancelled and deleted. Use another name for a stream "
            + "of your own."
    )

    package static func method(allowed: String) -> Problem {
        Problem(
            405,
            "method-not-allowed",
            title: "This method is not for this path.",
            detail: "Allowed here: \(allowed).",
            headers: [HeaderField("Allow", allowed)]
        )
    }

    /// A request that could not be read.
    package init(_ failure: RequestFailure) {
        switch failure {
        case .malformed(let reason):
            self.init(
                400,
                "malformed-request",
                title: "These bytes are no HTTP request.",
                detail: "The request was refused because \(reason). Send HTTP/1.1 as in RFC 9112."
            )
        case .headerTooLarge:
            self.init(
                431,
                "header-too-large",
                title: "The head of the request is too large.",
                detail: "Send fewer or shorter header fields, cookies for example."
            )
        case .unsupportedVersion:
            self.init(
                505,
                "http-version",
                title: "This version of HTTP is not spoken here.",
                detail: "Use HTTP/1.1."
            )
        case .unsupportedMethod:
            self.init(
                501,
                "unknown-method",
                title: "There is no such method.",
                detail: "Use GET, HEAD, PUT, POST, DELETE or OPTIONS."
            )
        case .unsupportedEncoding:
            self.init(
                501,
                "transfer-encoding",
                title: "This transfer encoding is not spoken here.",
                detail: "Send the body with `Transfer-Encoding: chunked` or with a Content-Length."
            )
        case .headTimeout:
            self.init(
                408,
                "head-timeout",
                title: "The head of the request did not arrive in time.",
                detail: "Send the whole head at once."
            )
        case .bodyTimeout:
            self.init(
                408,
                "body-timeout",
                title: "The body of the request stopped arriving.",
                detail:
                    "Nothing was appended. Send the body without long pauses, or with chunked encoding as a streaming "
                    + "producer."
            )
        case .bodyTooLarge(let limit):
            self.init(
                413,
                "body-too-large",
                title: "The body is too large.",
                detail: "One request may carry \(limit) bytes. Nothing was appended; send it in parts."
            )
        case .bodyNotExpected:
            self.init(
                400,
                "unexpected-body",
                title: "This request takes no body.",
                detail: "Send it again without a body."
            )
        case .draining: self = .draining
        case .broken:
            self.init(
                500,
                "internal-error",
                title: "The server failed to answer this.",
                detail: "What was asked for may have been done or not. The server's log may say why."
            )
        }
    }

    package static let draining = Problem(
        503,
        "draining",
        title: "The server is going away.",
        detail: "Nothing was changed. Send the request again; another server, or this one again, will take it.",
        headers: [HeaderField("Retry-After", "1")]
    )

    static func unknownStream(_ name: StreamName) -> Problem {
        Problem(
            404,
            "no-such-stream",
            title: "There is no such stream.",
            detail:
                "No stream is named `\(name.text)`. Create it with PUT; one that has expired or was deleted is gone."
        )
    }

    static func softDeleted(_ name: StreamName, status: Int = 410) -> Problem {
        Problem(
            status,
            "stream-deleted",
            title: "The stream was deleted.",
            detail: "`\(name.text)` is gone. Its name is free again when the last of its forks is deleted."
        )
    }

    /// What follows the asked position is not kept, or never was.
    static func positionGone(_ page: Page) -> Problem {
        Problem(
            410,
            "position-gone",
            title: "What follows this position is not here.",
            detail: "The offset is older than what is kept, or no offset of this stream. Read from "
                + "Stream-Earliest-Offset, or from the start.",
            headers: [StreamFields.earliestOffset(page.floor)]
        )
    }

    init(_ error: StoreError) {
        switch error {
        case .full(let bound):
            let what =
                switch bound {
                case .streams: "as many streams as it may"
                case .bytes: "as many bytes as it may"
                case .disk: "a full disk"
                }
            self.init(
                507,
                "store-full",
                title: "There is no room.",
                detail: "The server holds \(what), and nothing of it has expired. Nothing was changed. Delete streams, "
                    + "give them a Stream-TTL, or raise the server's limits."
            )
        case .unavailable(let reason):
            self.init(
                503,
                "store-unavailable",
                title: "The store cannot be reached.",
                detail: "\(reason) Nothing was changed; try again.",
                headers: [HeaderField("Retry-After", "1")]
            )
        case .outcomeUnknown(let reason):
            self.init(
                503,
                "outcome-unknown",
                title: "It is not known whether this was kept.",
                detail: "\(reason) Ask again with the same Producer-Seq: that never doubles an event.",
                headers: [HeaderField("Retry-After", "1")]
            )
        case .damaged(let reason):
            self.init(
                503,
                "store-damaged",
                title: "What is kept of this stream fails its check.",
                detail: "\(reason) Run `freshet check` on the data directory.",
                headers: [HeaderField("Retry-After", "60")]
            )
        }
    }

    init(_ error: PieceError) {
        switch error {
        case .lineTooLong(let limit):
            self.init(
                413,
                "line-too-long",
                title: "A line is too long.",
                detail: "A line may have \(limit) bytes. Nothing of it was appended."
            )
        case .eventTooLarge(let limit):
            self.init(
                413,
                "event-too-large",
                title: "An event is too large.",
                detail: "An event may have \(limit) bytes. Nothing of it was appended."
            )
        case .invalidJSON(let line, let reason):
            self.init(
                400,
                "invalid-json",
                title: "This is not JSON.",
                detail: (line > 0 ? "In line \(line): " : "") + reason
            )
        case .reservedType(let type):
            self.init(
                400,
                "reserved-event-type",
                title: "This event type is Freshet's own.",
                detail: "`event: \(type)` tells readers about the stream itself. Give the event another type."
            )
        case .invalidType:
            self.init(
                400,
                "invalid-event-type",
                title: "An event type cannot be sent on.",
                detail: "An event type must not contain a NUL."
            )
        case .unfinishedBlock:
            self.init(
                400,
                "unfinished-block",
                title: "The last event is not finished.",
                detail: "An event ends with a blank line. Nothing was appended."
            )
        case .empty:
            self.init(
                400,
                "empty-body",
                title: "There is nothing to append.",
                detail: "Send at least one event, or `Stream-Closed: true` to end the stream."
            )
        }
    }
}
