import Tracing

/// What a trace says of one request, by OpenTelemetry's conventions for HTTP servers: a span from its head to its end,
/// which for a read that follows is the end of the read. It belongs to the request's event loop.
///
/// It has nothing of a query, of a field or of a body, and no key.
@available(freshet 0.1, *)
final class RequestSpan {
    private let span: any Tracing.Span
    private let tracer: any Tracer
    private var end: AccessEnd?
    private var isOver = false
    var status: Int?

    /// - Parameters:
    ///   - route: the template of the path, where a route is for it.
    ///   - isSecret: whether a word is a key, which the path is shown without.
    init(of head: RequestHead, route: String?, by tracer: any Tracer, isSecret: (String) -> Bool) {
        self.tracer = tracer
        var context = InstrumentationContext.topLevel
        tracer.extract(Self.fields(of: head, isSecret), into: &context, using: RequestFieldsExtractor())
        let method = CountedMethod(head.method)
        let name = method == .other ? "HTTP" : method.rawValue
        span = tracer.startSpan(route.map { "\(name) \($0)" } ?? name, context: context, ofKind: .server)
        guard span.isRecording else { return }
        span.updateAttributes { attributes in
            attributes["http.request.method"] = method == .other ? "_OTHER" : method.rawValue
            if method == .other {
                attributes["http.request.method_original"] = LoggedText.short(head.method.rawValue, 20)
            }
            if let route { attributes["http.route"] = route }
            attributes["url.path"] = LoggedText.path(of: head.uri, isSecret)
            attributes["url.scheme"] = head.isSecure ? "https" : "http"
            attributes["network.protocol.name"] = "http"
            attributes["network.protocol.version"] = head.version
            guard let asked = head.authority.flatMap({ RequestedAddress($0, isSecure: head.isSecure) }),
                !isSecret(asked.host)
            else { return }
            attributes["server.address"] = asked.host
            attributes["server.port"] = asked.port
        }
    }

    /// What the tracer may read: a key that stands where a trace's state does goes neither into a span nor to others.
    private static func fields(of head: RequestHead, _ isSecret: (String) -> Bool) -> RequestFields {
        var fields = head.headers
        for name in ["tracestate", "baggage"] {
            let words = fields[name].flatMap { value in value.utf8.split { ",=; \t".utf8.contains($0) } }
            if words.contains(where: { isSecret(String(decoding: $0, as: UTF8.self)) }) {
                fields.replace(name: name, with: "")
            }
        }
        return fields
    }

    /// What others begin that belongs to this request.
    var context: InstrumentationContext { span.context }

    /// The trace's id as `traceparent` has it, 32 digits; nil where the tracer says it to others in another way.
    var traceID: String? {
        var fields: [String: String] = [:]
        tracer.inject(span.context, into: &fields, using: FieldInjector())
        return fields["traceparent"].flatMap { TraceParent($0)?.traceID }
    }

    private struct FieldInjector: Injector {
        func inject(_ value: String, forKey key: String, into fields: inout [String: String]) {
            fields[key.lowercased()] = value
        }
    }

    /// Why it is over. What is said first holds: what follows comes of it.
    func note(_ end: AccessEnd) {
        if self.end == nil { self.end = end }
    }

    /// It is over.
    ///
    /// - Parameter end: why, unless that was said before.
    func finish(_ end: AccessEnd) {
        guard !isOver else { return }
        isOver = true
        note(end)
        if span.isRecording {
            let why = self.end ?? end
            let error = Self.error(status, why)
            span.updateAttributes { attributes in
                if let status { attributes["http.response.status_code"] = status }
                attributes["freshet.end"] = why.rawValue
                if let error { attributes["error.type"] = error }
            }
            if error != nil { span.setStatus(SpanStatus(code: .error)) }
        }
        span.end()
    }

    /// What kind of failure it was, if it was one of the server's: that of a client is none, and its leaving neither.
    private static func error(_ status: Int?, _ end: AccessEnd) -> String? {
        if let status, status >= 500 { return "\(status)" }
        return switch end {
        case .evicted, .stopped, .overloaded, .store, .error: end.rawValue
        case .done, .failed, .cancelled, .abandoned, .removed, .superseded, .refused, .renewed, .left, .drained,
            .expired, .revoked:
            nil
        }
    }
}
