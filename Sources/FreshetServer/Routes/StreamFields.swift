import StreamCore
import StreamHTTP

/// The header fields that tell the state of a stream.
@available(freshet 0.1, *)
enum StreamFields {
    static func nextOffset(_ offset: Offset) -> HeaderField { HeaderField("Stream-Next-Offset", offset.text) }

    static func earliestOffset(_ offset: Offset) -> HeaderField { HeaderField("Stream-Earliest-Offset", offset.text) }

    static func end(_ end: StreamEnd?) -> [HeaderField] {
        guard let end else { return [] }
        var fields = [HeaderField("Stream-Closed", "true"), HeaderField("Stream-End-Reason", end.reason.rawValue)]
        if let detail = end.detail { fields.append(HeaderField("Stream-End-Detail", detail)) }
        return fields
    }

    static func producer(_ state: ProducerState?) -> [HeaderField] {
        guard let state else { return [] }
        return [HeaderField("Producer-Epoch", "\(state.epoch)"), HeaderField("Producer-Seq", "\(state.sequence)")]
    }

    static func options(_ options: StreamOptions) -> [HeaderField] {
        var fields = [HeaderField("Content-Type", options.contentType.text)]
        switch options.expiry {
        case .idle(let seconds): fields.append(HeaderField("Stream-TTL", "\(seconds)"))
        case .at(let moment): fields.append(HeaderField("Stream-Expires-At", Timestamp.text(milliseconds: moment)))
        case nil: break
        }
        if let seconds = options.leaseSeconds { fields.append(HeaderField("Stream-Lease", "\(seconds)")) }
        let retention = [
            options.retention.seconds.map { "age=\($0)" }, options.retention.bytes.map { "bytes=\($0)" },
            options.retention.events.map { "events=\($0)" },
        ].compactMap(\.self)
        if !retention.isEmpty {
            fields.append(HeaderField("Stream-Retention", retention.joined(separator: ", ")))
        }
        if !options.responseFields.isEmpty {
            fields.append(HeaderField("Stream-Response-Headers", PlainResponseFields.text(options.responseFields)))
        }
        return fields
    }

    static let noStore = HeaderField("Cache-Control", "no-store")
}
