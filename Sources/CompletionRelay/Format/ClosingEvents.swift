import ServerSentEvents
import StreamCore
package import StreamHTTP
import TextCodecs

/// What the caller's own connection is told when an answer is over.
///
/// A provider's last word, and its own errors, stand in the log and have been passed on. What no provider said is told
/// as one would have said it, and the body is left torn: neither a client that looks for errors nor one that looks for
/// the end of the body can take half an answer for a whole one.
@available(freshet 0.1, *)
package enum ClosingEvents {
    /// - Parameter events: how many events the answer has before; where it has none, no error of the provider stands in
    ///   it either.
    /// - Parameter name: that of the event that tells of a failure, where the format has none of its own.
    package static func after(
        _ conclusion: SubscriptionPlan.Conclusion,
        in format: WireFormat,
        events: Int,
        name: String = "error"
    ) -> SubscriptionPlan.ForeignEnd {
        func torn(_ code: String, _ message: String, status: Int? = nil) -> SubscriptionPlan.ForeignEnd {
            let (event, data) = error(code, message, in: format, status: status, number: events, name: name)
            if format == .ollama { return SubscriptionPlan.ForeignEnd(bytes: data + "\n".utf8, isTorn: true) }
            var bytes: [UInt8] = []
            do {
                try EventStreamEncoder().append(EventBlock(event: event, data: data), to: &bytes)
            } catch {
                preconditionFailure("an error of the relay's own cannot be encoded: \(error)")
            }
            return SubscriptionPlan.ForeignEnd(bytes: bytes, isTorn: true)
        }
        switch conclusion {
        case .ended(let end):
            switch end.reason {
            case .done: return SubscriptionPlan.ForeignEnd(bytes: [], isTorn: false)
            case .failed:
                guard let failure = end.detail.flatMap(RelayFailure.init(rawValue:)) else {
                    guard events == 0 else {
                        // What the upstream refused with is told in the stream where its caller had a head by then.
                        let isRefusal = end.detail?.utf8.starts(with: RelayFailure.refusal.utf8) ?? false
                        return SubscriptionPlan.ForeignEnd(bytes: [], isTorn: isRefusal)
                    }
                    return torn("failed", "The answer failed before its first word: \(end.detail ?? "").")
                }
                return torn(failure.rawValue, failure.sentence, status: failure.status)
            case .cancelled: return torn("cancelled", "The answer was stopped.")
            case .abandoned: return torn("abandoned", "The answer has no producer any more.")
            }
        case .removed: return torn("removed", "The answer is no longer kept.")
        case .unavailable(.draining):
            return torn("draining", "The relay is going away. The answer can be read on at its Location.")
        case .unavailable(.expired):
            return torn("expired", "The credential that the answer was asked for with has expired.")
        case .unavailable(.revoked):
            return torn("revoked", "The credential that the answer was asked for with gives no right to it any more.")
        case .unavailable:
            return torn("unavailable", "The answer cannot be read now. Try its Location in a moment.")
        }
    }

    /// An error in the middle of a stream, as the format's clients expect one.
    static func error(
        _ code: String,
        _ message: String,
        in format: WireFormat,
        status: Int? = nil,
        number: Int = 0,
        name: String = "error"
    ) -> (event: String?, data: [UInt8]) {
        let httpStatus = status ?? 500
        var quoted: [UInt8] = []
        JSONWriter.appendString(message, to: &quoted)
        let message = String(decoding: quoted, as: UTF8.self)
        let status = status.map { ",\"status\":\($0)" } ?? ""
        let error = "{\"message\":\(message),\"type\":\"relay_error\",\"param\":null,\"code\":\"\(code)\"\(status)}"
        switch format {
        case .chat: return (nil, Array("{\"error\":\(error)}".utf8))
        case .responses:
            // OpenAI's clients raise what has an `error`; its own event of this type has the fields beside its type.
            let fields = "\"code\":\"\(code)\",\"message\":\(message),\"param\":null,\"sequence_number\":\(number)"
            return ("error", Array("{\"type\":\"error\",\(fields),\"error\":\(error)}".utf8))
        case .messages:
            let error = "{\"type\":\"api_error\",\"message\":\(message),\"code\":\"\(code)\"\(status)}"
            return ("error", Array("{\"type\":\"error\",\"error\":\(error)}".utf8))
        case .gemini:
            // Its clients compare the code with numbers.
            let kind = "\"status\":\"\(GoogleStatus.name(of: httpStatus))\",\"reason\":\"\(code)\""
            return (nil, Array("{\"error\":{\"code\":\(httpStatus),\"message\":\(message),\(kind)}}".utf8))
        case .ollama: return (nil, Array("{\"error\":\(message),\"code\":\"\(code)\"\(status)}".utf8))
        case .events:
            var type: [UInt8] = []
            JSONWriter.appendString(name, to: &type)
            let fields = "\"message\":\(message),\"code\":\"\(code)\",\"error\":\(error)"
            return (name, Array("{\"type\":\(String(decoding: type, as: UTF8.self)),\(fields)}".utf8))
        }
    }
}
