package import StreamCore
package import StreamHTTP
import TextCodecs

/// What the header fields of a request say about streams, or the problem with them.
@available(freshet 0.1, *)
package struct StreamHeaders: Sendable {
    private let headers: RequestFields

    package init(_ headers: RequestFields) {
        self.headers = headers
    }

    /// `Content-Type`; nil when there is none.
    package func contentType() throws(Problem) -> ContentType? {
        guard let value = try single("Content-Type") else { return nil }
        guard let type = ContentType(value) else {
            throw .header("Content-Type", value, "a media type such as text/event-stream or application/json")
        }
        return type
    }

    /// The trace that the request belongs to.
    var trace: String? { TraceParent.traceID(in: headers) }

    /// `Stream-Closed: true`, and nothing else, closes; other values count as absent (Durable Streams, section 4.1).
    package var isClosing: Bool { isTrue("Stream-Closed") }

    package var isCancelling: Bool { isTrue("Stream-Cancel") }

    /// The end a closing request asks for.
    package func end() throws(Problem) -> EndRequest? {
        let reasonText = try single("Stream-End-Reason")
        let detail = try single("Stream-End-Detail")
        guard isClosing else {
            guard reasonText == nil, detail == nil else {
                throw Problem(
                    400,
                    "end-without-close",
                    title: "End reason without close",
                    detail: "Send `Stream-Closed: true` with `Stream-End-Reason` and `Stream-End-Detail`."
                )
            }
            return nil
        }
        let reason = reasonText.map { EndReason(rawValue: $0) } ?? .done
        guard let reason, reason == .done || reason == .failed else {
            throw .header(
                "Stream-End-Reason",
                reasonText ?? "",
                "`done` or `failed`; to cancel, send `Stream-Cancel: true`"
            )
        }
        guard (detail?.utf8.count ?? 0) <= 1024 else {
            throw .header("Stream-End-Detail", "\(detail?.utf8.count ?? 0) bytes", "at most 1024 bytes")
        }
        return EndRequest(reason, detail: detail, trace: trace)
    }

    package func leaseSeconds() throws(Problem) -> Int? {
        guard let value = try single("Stream-Lease") else { return nil }
        guard let seconds = Self.decimal(value), (1...31_536_000).contains(seconds) else {
            throw .header("Stream-Lease", value, "whole seconds from 1 to 31536000")
        }
        return Int(seconds)
    }

    package func expiry() throws(Problem) -> StreamOptions.Expiry? {
        let ttl = try single("Stream-TTL")
        let moment = try single("Stream-Expires-At")
        switch (ttl, moment) {
        case (nil, nil): return nil
        case (let ttl?, nil):
            guard let seconds = Self.decimal(ttl), seconds <= 4_000_000_000 else {
                throw .header("Stream-TTL", ttl, "a whole number of seconds in decimal, without sign or leading zeros")
            }
            return .idle(seconds: Int(seconds))
        case (nil, let moment?):
            guard let milliseconds = Timestamp.milliseconds(fromRFC3339: moment) else {
                throw .header("Stream-Expires-At", moment, "an RFC 3339 time such as 2026-11-22T12:00:00Z")
            }
            return .at(wallMilliseconds: milliseconds)
        case (_?, _?):
            throw Problem(
                400,
                "two-expiries",
                title: "Two expiry times",
                detail: "Send `Stream-TTL` or `Stream-Expires-At`, not both."
            )
        }
    }

    /// `Stream-Retention: age=3600, bytes=1048576, events=1000`, each at most once.
    package func retention() throws(Problem) -> Retention {
        var retention = Retention.everything
        guard let value = try single("Stream-Retention") else { return retention }
        let expected = "any of age=SECONDS, bytes=N and events=N, separated by commas, each once and above 0"
        for item in value.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = item.trimmingBlanks().split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let number = Self.decimal(sides[1]), number > 0, number <= Int.max / 1000 else {
                throw .header("Stream-Retention", value, expected)
            }
            switch sides[0] {
            case "age" where retention.seconds == nil: retention.seconds = Int(number)
            case "bytes" where retention.bytes == nil: retention.bytes = Int(number)
            case "events" where retention.events == nil: retention.events = Int(number)
            default: throw .header("Stream-Retention", value, expected)
            }
        }
        return retention
    }

    /// `Stream-Response-Headers: x-vercel-ai-ui-message-stream: v1`.
    package func responseFields() throws(Problem) -> [StreamOptions.ResponseField] {
        guard let value = try single("Stream-Response-Headers") else { return [] }
        guard let fields = PlainResponseFields.parse(value) else {
            throw .header("Stream-Response-Headers", value, PlainResponseFields.expected)
        }
        return fields
    }

    /// `Producer-Id`, `Producer-Epoch` and `Producer-Seq`: all three or none.
    package func producer() throws(Problem) -> ProducerStamp? {
        let id = try single("Producer-Id")
        let epoch = try single("Producer-Epoch")
        let sequence = try single("Producer-Seq")
        guard id != nil || epoch != nil || sequence != nil else { return nil }
        guard let id, let epoch, let sequence else {
            throw Problem(
                400,
                "incomplete-producer",
                title: "Incomplete producer headers",
                detail: "Send `Producer-Id`, `Producer-Epoch` and `Producer-Seq` together, or none of them."
            )
        }
        guard !id.isEmpty, id.utf8.count <= 256 else {
            throw .header("Producer-Id", id, "a name of 1 to 256 bytes")
        }
        let expected = "a whole number from 0 to 9007199254740991"
        guard let epochNumber = Self.digits(epoch), epochNumber <= ProducerStamp.maximumNumber else {
            throw .header("Producer-Epoch", epoch, expected)
        }
        guard let sequenceNumber = Self.digits(sequence), sequenceNumber <= ProducerStamp.maximumNumber else {
            throw .header("Producer-Seq", sequence, expected)
        }
        return ProducerStamp(id: id, epoch: epochNumber, sequence: sequenceNumber)
    }

    package func sequence() throws(Problem) -> String? {
        guard let value = try single("Stream-Seq") else { return nil }
        guard !value.isEmpty, value.utf8.count <= 256 else {
            throw .header("Stream-Seq", value, "1 to 256 bytes")
        }
        return value
    }

    /// The name a streaming append gives itself, to take over from an older one.
    package func label() throws(Problem) -> String? {
        guard let value = try single("Stream-Producer") else { return nil }
        guard !value.isEmpty, value.utf8.count <= 256 else {
            throw .header("Stream-Producer", value, "a name of 1 to 256 bytes")
        }
        return value
    }

    /// `Stream-Forked-From`, `Stream-Fork-Offset` and `Stream-Fork-Sub-Offset`.
    package func fork() throws(Problem) -> (from: String, offset: ReadPosition?, beyond: Int)? {
        let offset = try single("Stream-Fork-Offset")
        let beyond = try single("Stream-Fork-Sub-Offset")
        guard let from = try single("Stream-Forked-From") else {
            guard offset == nil, beyond == nil else {
                throw Problem(
                    400,
                    "fork-without-source",
                    title: "Fork without a source",
                    detail: "Send `Stream-Forked-From` with `Stream-Fork-Offset` and `Stream-Fork-Sub-Offset`."
                )
            }
            return nil
        }
        var position: ReadPosition?
        if let offset {
            guard let parsed = ReadPosition(offset), parsed != .now else {
                throw .header(
                    "Stream-Fork-Offset",
                    offset,
                    "-1, or a value that came as Stream-Next-Offset or as an event's id"
                )
            }
            position = parsed
        }
        var count = 0
        if let beyond {
            guard let number = Self.decimal(beyond), number <= Self.largestSubOffset else {
                throw .header("Stream-Fork-Sub-Offset", beyond, "a whole number in decimal, without a sign")
            }
            count = Int(number)
        }
        return (from, position, count)
    }

    private static let largestSubOffset: UInt64 = 1 << 53

    private func isTrue(_ name: String) -> Bool {
        guard let field = headers.firstCounted(name: name), field.count == 1 else { return false }
        return field.value.lowercased() == "true"
    }

    private func single(_ name: String) throws(Problem) -> String? {
        guard let field = headers.firstCounted(name: name) else { return nil }
        guard field.count == 1 else { throw .repeatedHeader(name, count: field.count) }
        return field.value.withoutBlanksAround
    }

    /// A number in decimal, without sign, leading zero or anything else.
    static func decimal(_ text: some StringProtocol) -> UInt64? {
        guard text == "0" || text.utf8.first != UInt8(ascii: "0") else { return nil }
        return digits(text)
    }

    private static func digits(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            return nil
        }
        return UInt64(text)
    }
}

@available(freshet 0.1, *)
extension Problem {
    static func header(_ name: String, _ value: String, _ expected: String) -> Problem {
        Problem(
            400,
            "bad-header",
            title: "Invalid header value",
            detail: "`\(name)` is `\(value)`; it must be \(expected)."
        )
    }
}
