import Tracing

/// What the fields of a request say of the trace that it belongs to.
@available(freshet 0.1, *)
package struct RequestFieldsExtractor: Extractor {
    package init() {}

    /// Of several fields of a name nobody knows which counts, unless it is one whose value is a list.
    package func extract(key: String, from fields: RequestFields) -> String? {
        let values = fields[key]
        guard values.count > 1 else { return values.first }
        return ["tracestate", "baggage"].contains(key.lowercased()) ? values.joined(separator: ",") : nil
    }
}
