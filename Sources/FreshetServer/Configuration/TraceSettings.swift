/// The settings of traces: a part of `ServerSettings`.
@available(freshet 0.1, *)
package struct TraceSettings: Sendable {
    let tracing = Heading("Traces", in: .program)

    package let otlpEndpoint = Setting<String?>(
        "otlp-endpoint",
        .collectorURL,
        default: nil,
        "URL of an OpenTelemetry collector that spans of requests and of the relay's calls are sent to, such as "
            + "http://127.0.0.1:4318; /v1/traces is added. They go as OTLP over HTTP, in JSON. Without it nothing is traced; "
            + "docs/tracing.md says what is in a span."
    )

    package let otlpHeadersFile = Setting<String?>(
        "otlp-headers-file",
        .path,
        default: nil,
        "File of header fields to send with them, such as a key of the collector: on each line `Name: value`. SIGHUP reads it "
            + "again."
    )

    package let otlpServiceName = Setting<String>(
        "otlp-service-name",
        .serviceName,
        default: "freshet",
        "Name of this service in traces."
    )

    package let otlpSample = Setting<Double>(
        "otlp-sample",
        .share,
        default: 1,
        "Share of the traces that begin here to record. A request whose traceparent says whether its trace is recorded "
            + "follows that instead."
    )
}

@available(freshet 0.1, *)
extension SettingKind where Value == String? {
    fileprivate static var collectorURL: SettingKind {
        SettingKind(
            "url",
            allowed: "http://host[:port][/path] or https://…, without a user, ? and #",
            text: { text in
                guard !text.utf8.contains(UInt8(ascii: "?")) else { return nil }
                return (try? HookSetting.checked(url: text)).map { .some($0) }
            },
            show: { $0 ?? "" }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == String {
    fileprivate static var serviceName: SettingKind {
        SettingKind(
            "name",
            allowed: "a name of 1 to 100 printable ASCII characters",
            text: { 1...100 ~= $0.utf8.count && $0.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) ? $0 : nil },
            show: { $0 }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == Double {
    /// To a millionth.
    fileprivate static var share: SettingKind {
        SettingKind(
            "share",
            allowed: "a number from 0 to 1 with at most 6 digits after the point",
            text: DecimalText.share,
            show: DecimalText.share
        )
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Where spans go; nil where they go nowhere. The path is that of traces behind that of the collector, as OTLP's
    /// exporters have it.
    package var otlpTracesURL: String? {
        self.otlpEndpoint.map { url in
            let base = url.utf8.last == UInt8(ascii: "/") ? String(url.dropLast()) : url
            return "\(base)/v1/traces"
        }
    }

    /// What is wrong with settings of traces together.
    func traceContradictions() -> [String] {
        guard self.otlpEndpoint == nil, self.otlpHeadersFile != nil else { return [] }
        return ["otlp-headers-file: there is no collector to send them to. Set otlp-endpoint, or take it out"]
    }
}
