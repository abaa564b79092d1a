import StreamCore
import StreamHTTP
import TextCodecs

/// What a call comes to whose caller has its head already.
@available(freshet 0.1, *)
extension Relay {
    /// Tells a refusal in the stream, where whoever was given a head reads it, and with its status to everybody else.
    ///
    /// One that may not be there the next time is not kept for its key: the caller cannot see its status, and would be
    /// told the same for a day.
    func tell(
        _ response: Response,
        _ call: AnswerCall,
        _ record: StreamName?,
        _ producer: StreamingProducer,
        _ end: EndRequest
    ) async {
        // A failure of the relay's own is told by whatever ends the caller's response.
        let isOwn = end.detail.flatMap(RelayFailure.init(rawValue:)) != nil
        if let record {
            // What cannot be used was paid for, and would be again.
            if Self.mayRepeat(response.status), !(isOwn && response.headers.contains(.noRetry)) {
                await release(record, call)
            } else {
                await remember(response, of: call, record)
            }
        }
        let events: EventBatch =
            isOwn ? [] : [ProviderFailure(refusal: response).event(in: call.format, name: call.upstream.names.error)]
        _ = try? await producer.append(events, end: end)
        call.begin(.responded(response))
    }

    private static func mayRepeat(_ status: Int) -> Bool { [408, 409, 429].contains(status) || status >= 500 }
}

@available(freshet 0.1, *)
extension ProviderFailure {
    /// What a provider refused with, for those who cannot see its status: that is in the error, with the time to wait.
    init(refusal: Response) {
        let body = JSONSlice(refusal.body)
        self.init(words: Self.refused(body)?.words ?? "The upstream answered \(refusal.status).")
        // Some tell it flat.
        let told = body["error"].flatMap { $0.raw.first == UInt8(ascii: "{") ? $0 : nil } ?? body
        let code = ["code", "type"].compactMap { told[$0] }.first { !$0.isNull }
        status = refusal.status
        retryAfter = refusal.headers.first { $0.name.lowercased() == "retry-after" }?.value
        object = JSONWriter.object { object in
            object.member("message", words)
            object.member("type", told["type"]?.string ?? "upstream_error")
            object.member("param", raw: "null".utf8)
            if let code {
                object.member("code", raw: code.raw)
            } else {
                object.member("code", "upstream_refused")
            }
            object.member("status", refusal.status)
            tellRetry(&object)
        }
    }
}
