import FreshetServer
import TextCodecs
import Tracing

/// OTLP's `ExportTraceServiceRequest` in JSON: protocol buffers' mapping, but ids are hexadecimal and enumerations are
/// numbers (OTLP 1.x, "JSON Protobuf Encoding"). An int64 is a string.
@available(freshet 0.1, *)
enum ExportRequest {
    /// - Parameters:
    ///   - service: the name of the service that all of them are of.
    ///   - instance: tells one run of it from the others.
    static func body(of spans: [FinishedSpan], service: String, instance: String) -> [UInt8] {
        JSONWriter.object { request in
            request.member(
                "resourceSpans",
                array: { $0.element(object: { write(spans, service: service, instance: instance, in: &$0) }) }
            )
        }
    }

    private static func write(
        _ spans: [FinishedSpan],
        service: String,
        instance: String,
        in resource: inout JSONWriter
    ) {
        let attributes: SpanAttributes = [
            "service.name": .string(service), "service.version": .string(FreshetVersion.number),
            "service.instance.id": .string(instance), "telemetry.sdk.name": "freshet",
            "telemetry.sdk.language": "swift", "telemetry.sdk.version": .string(FreshetVersion.number),
        ]
        resource.member("resource", object: { write(attributes, in: &$0) })
        resource.member(
            "scopeSpans",
            array: { scopes in
                scopes.element(object: { scope in
                    scope.member(
                        "scope",
                        object: {
                            $0.member("name", "freshet")
                            $0.member("version", FreshetVersion.number)
                        }
                    )
                    scope.member(
                        "spans",
                        array: { list in for span in spans { list.element(object: { write(span, in: &$0) }) } }
                    )
                })
            }
        )
    }

    private static func write(_ span: FinishedSpan, in object: inout JSONWriter) {
        object.member("traceId", "\(span.identity.trace)")
        object.member("spanId", "\(span.identity.span)")
        if let state = span.identity.state { object.member("traceState", state) }
        if let parent = span.parent { object.member("parentSpanId", "\(parent.span)") }
        object.member("flags", flags(of: span))
        object.member("name", span.name)
        object.member("kind", number(of: span.kind))
        object.member("startTimeUnixNano", "\(span.start)")
        object.member("endTimeUnixNano", "\(span.end)")
        write(span.attributes, in: &object)
        if !span.events.isEmpty {
            object.member(
                "events",
                array: { list in for event in span.events { list.element(object: { write(event, in: &$0) }) } }
            )
        }
        if !span.links.isEmpty {
            object.member(
                "links",
                array: { list in
                    for link in span.links {
                        guard let identity = link.context.spanIdentity else { continue }
                        list.element(object: { object in
                            object.member("traceId", "\(identity.trace)")
                            object.member("spanId", "\(identity.span)")
                            write(link.attributes, in: &object)
                        })
                    }
                }
            )
        }
        guard let status = span.status else { return }
        object.member(
            "status",
            object: {
                if let message = status.message { $0.member("message", message) }
                $0.member("code", number(of: status.code))
            }
        )
    }

    private static func write(_ event: SpanEvent, in object: inout JSONWriter) {
        object.member("timeUnixNano", "\(event.nanosecondsSinceEpoch)")
        object.member("name", event.name)
        write(event.attributes, in: &object)
    }

    /// Those of the trace in the lowest byte, then whether it is known, and true, that the parent is somebody else's.
    private static func flags(of span: FinishedSpan) -> Int {
        (span.identity.isSampled ? 1 : 0) | 0x100 | (span.parent?.isRemote == true ? 0x200 : 0)
    }

    private static func number(of kind: SpanKind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }

    private static func number(of code: SpanStatus.Code) -> Int {
        switch code {
        case .ok: 1
        case .error: 2
        }
    }

    // MARK: Attributes

    private static func write(_ attributes: SpanAttributes, in object: inout JSONWriter) {
        guard !attributes.isEmpty else { return }
        var pairs: [(name: String, value: SpanAttribute)] = []
        attributes.forEach { pairs.append(($0, $1)) }
        pairs.sort { $0.name < $1.name }
        object.member(
            "attributes",
            array: { list in
                for (name, value) in pairs {
                    list.element(object: { attribute in
                        attribute.member("key", name)
                        attribute.member("value", object: { write(value, in: &$0) })
                    })
                }
            }
        )
    }

    private static func write(_ value: SpanAttribute, in object: inout JSONWriter) {
        switch value {
        case .string(let text): object.member("stringValue", text)
        case .bool(let value): object.member("boolValue", value)
        case .int32(let number): object.member("intValue", "\(number)")
        case .int64(let number): object.member("intValue", "\(number)")
        case .double(let number): write(number, in: &object)
        case .stringArray(let texts): write(texts.map { SpanAttribute.string($0) }, in: &object)
        case .boolArray(let values): write(values.map { SpanAttribute.bool($0) }, in: &object)
        case .int32Array(let numbers): write(numbers.map { SpanAttribute.int32($0) }, in: &object)
        case .int64Array(let numbers): write(numbers.map { SpanAttribute.int64($0) }, in: &object)
        case .doubleArray(let numbers): write(numbers.map { SpanAttribute.double($0) }, in: &object)
        case .stringConvertible(let value): object.member("stringValue", "\(value)")
        case .stringConvertibleArray(let values): write(values.map { SpanAttribute.string("\($0)") }, in: &object)
        // What its package adds later is a value all the same.
        default: object.member("stringValue", "\(value)")
        }
    }

    private static func write(_ values: [SpanAttribute], in object: inout JSONWriter) {
        object.member(
            "arrayValue",
            object: {
                $0.member(
                    "values",
                    array: { list in for value in values { list.element(object: { write(value, in: &$0) }) } }
                )
            }
        )
    }

    /// JSON has no word for what is no number.
    private static func write(_ number: Double, in object: inout JSONWriter) {
        guard number.isFinite else {
            return object.member("doubleValue", number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")
        }
        object.member("doubleValue", raw: "\(number)".utf8)
    }
}
