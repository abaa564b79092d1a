/// The content types that a probe may have. The bytes of its body are the same under each: what is asked is how a
/// proxy treats the name.
@available(freshet 0.1, *)
package enum ProbeForm: String, Sendable, Hashable, CaseIterable {
    case sse, ndjson, json, text

    package var contentType: String {
        switch self {
        case .sse: "text/event-stream"
        case .ndjson: "application/x-ndjson"
        case .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        }
    }
}
