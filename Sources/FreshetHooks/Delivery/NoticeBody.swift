import FreshetServer
import StreamCore
import StreamHTTP
import TextCodecs

/// What a hook is told, as JSON.
@available(freshet 0.1, *)
enum NoticeBody {
    /// - Parameters:
    ///   - content: the events of the stream; nil where the entry has none.
    ///   - omission: why there are none, where the entry does not say it.
    static func json(
        _ entry: OutboxEntry,
        content: EventRun?,
        omission: OutboxEntry.Omission? = nil
    ) -> [UInt8] {
        let stream = entry.stream
        return JSONWriter.object { notice in
            notice.member("type", "stream.\(entry.occasion.rawValue)")
            notice.member("timestamp", Timestamp.text(milliseconds: entry.recordedAt))
            notice.member(
                "data",
                object: { data in
                    data.member("stream", stream.name.text)
                    data.member("reason", reason(of: entry))
                    data.member("detail", entry.occasion == .ended ? stream.end?.detail : nil)
                    data.member("contentType", stream.options.contentType.text)
                    data.member("birth", stream.birth.text)
                    data.member("floor", stream.floor.text)
                    data.member("tail", stream.tail.text)
                    data.member("end", stream.end?.offset.text)
                    data.member("events", stream.events)
                    data.member("bytes", stream.bytes)
                    data.member("content", raw: array(content, stream.options.contentType.kind))
                    data.member("contentOmitted", (omission ?? self.omission(of: entry))?.rawValue)
                }
            )
        }
    }

    /// Why a stream is told of: the reason of its end, or `expired`.
    static func reason(of entry: OutboxEntry) -> String {
        guard entry.occasion == .ended, let end = entry.stream.end else { return "expired" }
        return end.reason.rawValue
    }

    static func omission(of entry: OutboxEntry) -> OutboxEntry.Omission? {
        guard case .omitted(let reason) = entry.content else { return nil }
        return reason
    }

    /// Events as NDJSON has them, between brackets.
    private static func array(_ content: EventRun?, _ kind: ContentType.Kind) -> [UInt8] {
        guard let content else { return Array("null".utf8) }
        var output = [UInt8(ascii: "[")]
        for event in content {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            NDJSON.append(event, kind, to: &output)
            // The end of its line.
            output.removeLast()
        }
        output.append(UInt8(ascii: "]"))
        return output
    }
}
