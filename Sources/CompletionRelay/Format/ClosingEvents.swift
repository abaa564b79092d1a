import ServerSentEvents
import StreamCore
package import StreamHTTP
import TextCodecs

/// What the caller's own connection is told when an answer is over.
///
/// A provider's last word, and its own errors, stand in the log and have been passed on. What no provider said is told
/// as one would have said it, and the body is left torn: neither a client that looks for errors nor one that looks for
/// the end of the body can take half an answer for a whole one.
package enum ClosingEvents {
    /// - Parameter isSilent: the answer has no event, so that no error of the provider stands in it either.
    package static func after(
        _ conclusion: SubscriptionPlan.Conclusion,
        in format: WireFormat,
        isSilent: Bool = false
    ) -> SubscriptionPlan.ForeignEnd {
        switch conclusion {
        case .ended(let end):
            switch end.reason {
            case .done: return SubscriptionPlan.ForeignEnd(bytes: [], isTorn: false)
            case .failed:
                guard let failure = end.detail.flatMap(RelayFailure.init(rawValue:)) else {
                    guard isSilent else {
                        // What the upstream refused with is told in the stream where its caller had a head by then.
                        let isRefusal = end.detail?.utf8.starts(with: RelayFailure.refusal.utf8) ?? false
                        return SubscriptionPlan.ForeignEnd(bytes: [], isTorn: isRefusal)
                    }
                    return torn("failed", "The answer failed before its first word: \(end.detail ?? "").", format)
                }
                return torn(failure.rawValue, failure.sentence, format, status: failure.status)
            case .cancelled: return torn("cancelled", "The answer was stopped.", format)
            case .abandoned: return torn("abandoned", "The answer has no producer any more.", format)
            }
        case .removed: return torn("removed", "The answer is no longer kept.", format)
        case .unavailable(.draining):
            return torn("draining", "The relay is going away. The answer can be read on at its Location.", format)
        case .unavailable:
            return torn("unavailable", "The answer cannot be read now. Try its Location in a moment.", format)
        }
    }

    private static func torn(
        _ code: String,
        _ message: String,
        _ format: WireFormat,
        status: Int? = nil
    ) -> SubscriptionPlan.ForeignEnd {
        let (event, data) = error(code, message, in: format, status: status)
        var bytes: [UInt8] = []
        do {
            try EventStreamEncoder().append(EventBlock(event: event, data: data), to: &bytes)
        } catch {
            preconditionFailure("an error of the relay's own cannot be encoded: \(error)")
        }
        return SubscriptionPlan.ForeignEnd(bytes: bytes, isTorn: true)
    }

    /// An error in the middle of a stream, as the format's clients expect one.
    static func error(
        _ code: String,
        _ message: String,
        in format: WireFormat,
        status: Int? = nil
    ) -> (event: String?, data: [UInt8]) {
        var quoted: [UInt8] = []
        JSONWriter.appendString(message, to: &quoted)
        let message = String(decoding: quoted, as: UTF8.self)
        let status = status.map { ",\"status\":\($0)" } ?? ""
        let error = "{\"message\":\(message),\"type\":\"relay_error\",\"param\":null,\"code\":\"\(code)\"\(status)}"
        switch format {
        case .chat: return (nil, Array("{\"error\":\(error)}".utf8))
        case .responses:
            // OpenAI's clients raise what has an `error`; its own event of this type has the fields beside its type.
            let fields = "\"code\":\"\(code)\",\"message\":\(message),\"param\":null,\"sequence_number\":0"
            return ("error", Array("{\"type\":\"error\",\(fields),\"error\":\(error)}".utf8))
        case .messages:
            let error = "{\"type\":\"api_error\",\"message\":\(message),\"code\":\"\(code)\"\(status)}"
            return ("error", Array("{\"type\":\"error\",\"error\":\(error)}".utf8))
        }
    }
}
