package import StreamCore
package import StreamHTTP

@available(freshet 0.1, *)
extension Problem {
    static let reservedName = Problem(
        403,
        "reserved-name",
        title: "Reserved stream name",
        detail: "Names that begin with `\(StreamName.reservedPrefix)` are reserved for the server."
    )

    static let writtenByServer = Problem(
        403,
        "written-by-server",
        title: "Stream is read-only",
        detail: "The relay writes it; you can read, cancel and delete it. Use another name for a stream "
            + "of your own."
    )

    package static func method(allowed: String, _ hint: String? = nil) -> Problem {
        Problem(
            405,
            "method-not-allowed",
            title: "Method not allowed",
            detail: "Allowed here: \(allowed)." + (hint.map { " \($0)" } ?? ""),
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
                title: "Malformed request",
                detail: "The request was refused because \(reason). Send HTTP/1.1 as RFC 9112 defines it."
            )
        case .headerTooLarge:
            self.init(
                431,
                "header-too-large",
                title: "Request header too large",
                detail: "Send fewer or shorter header fields, cookies for example."
            )
        case .unsupportedVersion:
            self.init(
                505,
                "http-version",
                title: "HTTP version not supported",
                detail: "Use HTTP/1.1."
            )
        case .unsupportedMethod:
            self.init(
                501,
                "unknown-method",
                title: "Unknown method",
                detail: "Use GET, HEAD, PUT, POST, DELETE or OPTIONS."
            )
        case .unsupportedEncoding:
            self.init(
                501,
                "transfer-encoding",
                title: "Transfer encoding not supported",
                detail: "Send the body with `Transfer-Encoding: chunked` or with a Content-Length."
            )
        case .headTimeout:
            self.init(
                408,
                "head-timeout",
                title: "Request header timeout",
                detail: "Send the whole head at once."
            )
        case .bodyTimeout:
            self.init(
                408,
                "body-timeout",
                title: "Request body timeout",
                detail:
                    "Nothing was appended. Send the body without long pauses, or use chunked encoding for a streaming "
                    + "append."
            )
        case .bodyTooSlow(let rate):
            self.init(
                408,
                "body-too-slow",
                title: "Request body too slow",
                detail:
                    "Nothing was appended. A body must arrive at \(rate) bytes a second or more (`body-bytes-per-second`); "
                    + "a streaming append, with chunked encoding, may be slower."
            )
        case .bodyTooLarge(let limit):
            self.init(
                413,
                "body-too-large",
                title: "Request body too large",
                detail:
                    "One request may carry up to \(limit) bytes. Nothing was appended; send the content in "
                    + "several requests."
            )
        case .bodyNotExpected:
            self.init(
                400,
                "unexpected-body",
                title: "Unexpected request body",
                detail: "Send it again without a body."
            )
        case .draining: self = .draining
        case .lostRight(let loss): self = .lostRight(loss)
        case .overloaded:
            self.init(
                503,
                "overloaded",
                title: "Server overloaded",
                detail:
                    "The server has no memory left for requests in progress (`inflight-bytes`), and this request held the "
                    + "most. Retry it later.",
                headers: [HeaderField("Retry-After", "5")]
            )
        case .broken:
            self.init(
                500,
                "internal-error",
                title: "Internal server error",
                detail: "The request may or may not have taken effect. The server's log may say why."
            )
        }
    }

    package static let draining = Problem(
        503,
        "draining",
        title: "Server shutting down",
        detail:
            "Nothing was changed. Retry the request: another server, or this one after its restart, will accept "
            + "it.",
        headers: [HeaderField("Retry-After", "1")]
    )

    static func unknownStream(_ name: StreamName) -> Problem {
        Problem(
            404,
            "no-such-stream",
            title: "Stream not found",
            detail:
                "No stream is named `\(name.text)`. Create it with PUT. It may have expired or been deleted."
        )
    }

    static func softDeleted(_ name: StreamName, status: Int = 410) -> Problem {
        Problem(
            status,
            "stream-deleted",
            title: "Stream deleted",
            detail: "`\(name.text)` is gone. Its name is free again when the last of its forks is deleted."
        )
    }

    /// What follows the asked position is not kept, or never was.
    static func positionGone(_ page: Page) -> Problem {
        Problem(
            410,
            "position-gone",
            title: "Position not available",
            detail: "The offset is older than the oldest event kept, or belongs to another stream. Read from "
                + "Stream-Earliest-Offset, or from the start.",
            headers: [StreamFields.earliestOffset(page.floor)]
        )
    }

    package init(_ error: StoreError) {
        switch error {
        case .full(let bound):
            let what =
                switch bound {
                case .streams: "as many streams as `streams` allows"
                case .bytes: "as many bytes as `kept-bytes` allows"
                case .disk: "a full disk"
                }
            self.init(
                507,
                "store-full",
                title: "Store full",
                detail: "The server holds \(what), and none of them has expired. Nothing was changed. Delete streams, "
                    + "give them a Stream-TTL, or raise the server's limits."
            )
        case .ownerFull(let limit): self.init(QuotaRefusal(quota: .bytes, limit: limit, wait: .seconds(60)))
        case .unavailable(let reason):
            self.init(
                503,
                "store-unavailable",
                title: "Store unavailable",
                detail: "\(reason) Nothing was changed; retry the request.",
                headers: [HeaderField("Retry-After", "1")]
            )
        case .outcomeUnknown(let reason):
            self.init(
                503,
                "outcome-unknown",
                title: "Outcome unknown",
                detail: "\(reason) Retry with the same Producer-Seq: that never stores an event twice.",
                headers: [HeaderField("Retry-After", "1")]
            )
        case .damaged(let reason):
            self.init(
                503,
                "store-damaged",
                title: "Stream data damaged",
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
                title: "Line too long",
                detail: "A line may be up to \(limit) bytes long. It was not appended."
            )
        case .eventTooLarge(let limit):
            self.init(
                413,
                "event-too-large",
                title: "Event too large",
                detail: "An event may be up to \(limit) bytes long. It was not appended."
            )
        case .tooManyEvents(let limit):
            self.init(
                413,
                "too-many-events",
                title: "Too many events",
                detail: "One body may hold \(limit) events (`body-events`). Nothing was appended; send it in parts."
            )
        case .invalidJSON(let line, let reason):
            self.init(
                400,
                "invalid-json",
                title: "Invalid JSON",
                detail: (line > 0 ? "In line \(line): " : "") + reason
            )
        case .reservedType(let type):
            self.init(
                400,
                "reserved-event-type",
                title: "Reserved event type",
                detail: "`event: \(type)` tells readers about the stream itself. Give the event another type."
            )
        case .invalidType:
            self.init(
                400,
                "invalid-event-type",
                title: "Invalid event type",
                detail: "An event type must not contain a NUL."
            )
        case .unfinishedBlock:
            self.init(
                400,
                "unfinished-block",
                title: "Unfinished event",
                detail: "An event ends with a blank line. Nothing was appended."
            )
        case .empty:
            self.init(
                400,
                "empty-body",
                title: "Empty body",
                detail: "Send at least one event, or `Stream-Closed: true` to end the stream."
            )
        }
    }
}
