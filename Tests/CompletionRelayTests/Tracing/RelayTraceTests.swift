import FreshetTraces
import NIOHTTP1
import StreamCore
import StreamHTTP
import Testing
import Tracing

@testable import CompletionRelay

@Suite("What a trace says of a relayed call", .timeLimit(.minutes(10)))
struct RelayTraceTests {
    private let queue = SpanQueue()
    private let streams = Streams(store: MemoryStreamStore())
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    private var tracer: SpanTracer { SpanTracer(to: queue, Sampler(share: 1)) }

    private func upstream(_ kind: Upstream.Kind) -> Upstream {
        Upstream(name: "one", kind: kind, baseURL: "https://models.example:8443/v1", key: .caller)
    }

    /// Calls by way of a relay, and returns the span of the call once the answer is over.
    private func call(
        _ scripted: ScriptedUpstream,
        kind: Upstream.Kind = .openai,
        _ format: WireFormat = .chat,
        by tracer: SpanTracer?
    ) async throws -> FinishedSpan? {
        var context = InstrumentationContext.topLevel
        let fields: RequestFields = ["traceparent": "00-\(Self.trace)-00f067aa0ba902b7-01"]
        SpanTracer(to: queue, Sampler(share: 1)).extract(fields, into: &context, using: RequestFieldsExtractor())
        let upstream = upstream(kind)
        let relay = Relay(
            streams: streams,
            configuration: RelayConfiguration(upstreams: [upstream]),
            transports: ["one": scripted],
            tracer: tracer
        )
        let request = RelayRequest(
            method: "POST",
            path: format.path,
            headers: [
                "Authorization": "Bearer secret", "traceparent": "00-\(Self.trace)-00f067aa0ba902b7-01",
                "tracestate": "a=1",
            ],
            baseURL: "http://localhost",
            trace: tracer == nil ? nil : context
        )
        _ = await relay.start(
            StreamingCall(
                request: request,
                format: format,
                upstream: upstream,
                body: CallBody(Array(#"{"stream":true,"messages":[{"content":"a prompt"}]}"#.utf8)),
                model: "gpt-4o"
            )
        )
        while relay.isBusy { await Task.yield() }
        return queue.take()?.first
    }

    private static let answer = """
        data: {"model":"gpt-4o-2026","choices":[{"index":0,"delta":{"content":"an answer"},"finish_reason":null}]}

        data: {"model":"gpt-4o-2026","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

        data: {"model":"gpt-4o-2026","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}

        data: [DONE]


        """

    @Test("is what the conventions for generative AI ask for, and the upstream is told of it")
    func whole() async throws {
        let scripted = ScriptedUpstream([.piece(Self.answer), .end])
        let span = try #require(try await call(scripted, by: tracer))
        #expect(span.name == "chat gpt-4o" && span.kind == .client && span.status == nil)
        #expect("\(span.identity.trace)" == Self.trace)
        #expect(span.parent.map { "\($0.span)" } == "00f067aa0ba902b7")
        let expected: SpanAttributes = [
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2026",
            "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 7,
            "gen_ai.response.finish_reasons": .stringArray(["stop"]), "http.response.status_code": 200,
            "server.address": "models.example", "server.port": 8443, "freshet.upstream": "one", "freshet.end": "done",
        ]
        #expect(span.attributes == expected)
        #expect(span.events.map(\.name) == ["first_token"])
        #expect(span.events.allSatisfy { span.start...span.end ~= $0.nanosecondsSinceEpoch })
        let sent = try #require(scripted.requests.first).headers
        #expect(sent["traceparent"] == [span.identity.traceParent])
        #expect(sent["tracestate"] == ["a=1"])
        for secret in ["secret", "a prompt", "an answer"] { #expect(!"\(span)".contains(secret)) }
    }

    @Test("a refusal is an error by its status, and without the provider's words")
    func refusal() async throws {
        let scripted = ScriptedUpstream([.piece(#"{"error":{"message":"a word"}}"#), .end]) { _ in
            (429, [HeaderField("Content-Type", "application/json")])
        }
        let span = try #require(try await call(scripted, by: tracer))
        #expect(span.status?.code == .error && span.status?.message == nil)
        #expect(span.attributes["error.type"]?.toSpanAttribute() == .string("429"))
        #expect(span.attributes["http.response.status_code"]?.toSpanAttribute() == .int64(429))
        #expect(!"\(span)".contains("a word"))
    }

    @Test("an upstream that is not there, a body that is torn and an error in a stream are errors by their kind")
    func failures() async throws {
        let torn = ScriptedUpstream([.piece("data: {\"choices\":[]}\n\n"), .tear])
        let told = ScriptedUpstream([.piece("data: {\"error\":{\"message\":\"a word\"}}\n\n"), .end])
        let away = ScriptedUpstream { _ in throw UpstreamError.unreachable("a word") }
        for (scripted, kind) in [(torn, "truncated"), (told, "upstream-error"), (away, "upstream-unreachable")] {
            let span = try #require(try await call(scripted, by: tracer))
            #expect(span.status?.code == .error)
            #expect(span.attributes["error.type"]?.toSpanAttribute() == .string(kind))
            #expect(!"\(span)".contains("a word"))
        }
    }

    @Test("a field that held a key of the server goes to no upstream by way of a trace")
    func withheld() {
        let tracer = tracer
        var context = InstrumentationContext.topLevel
        let state = "a=our-key"
        let fields: RequestFields = ["traceparent": "00-\(Self.trace)-00f067aa0ba902b7-01", "tracestate": state]
        tracer.extract(fields, into: &context, using: RequestFieldsExtractor())
        for (isOurs, told) in [(true, []), (false, [state])] as [(Bool, [String])] {
            let request = RelayRequest(
                method: "POST",
                path: "/chat/completions",
                headers: ["tracestate": state],
                baseURL: "",
                isOurs: { isOurs && $0 == "our-key" },
                trace: context
            )
            var headers: HTTPHeaders = [:]
            CallSpan(request, to: upstream(.openai), model: nil, by: tracer).inject(into: &headers)
            #expect(headers["tracestate"] == told)
            #expect(headers["traceparent"].count == 1)
        }
    }

    @Test("where nobody traces, the caller's field goes on as it is")
    func untraced() async throws {
        let scripted = ScriptedUpstream([.piece(Self.answer), .end])
        #expect(try await call(scripted, by: nil) == nil)
        #expect(scripted.requests.first?.headers["traceparent"] == ["00-\(Self.trace)-00f067aa0ba902b7-01"])
    }

    @Test("a trace that is not recorded is passed on all the same")
    func unsampled() async throws {
        let request = RelayRequest(method: "POST", path: "/chat/completions", headers: [:], baseURL: "")
        let span = CallSpan(request, to: upstream(.openai), model: nil, by: SpanTracer(to: queue, Sampler(share: 0)))
        var headers: HTTPHeaders = [:]
        span.inject(into: &headers)
        span.firstToken()
        span.finish()
        #expect(headers.first(name: "traceparent")?.hasSuffix("-00") == true)
        #expect(queue.take() == nil)
    }
}
