import AsyncHTTPClient
import Freshet
import FreshetTraces
import NIOHTTP1
import Testing
import Tracing

@Suite("A program's own tracer", .timeLimit(.minutes(10)))
struct TracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test("gets a span of each request, which is the current one where a route answers")
    func spans() async throws {
        let queue = SpanQueue()
        let tracer = SpanTracer(to: queue, Sampler(share: 1))
        let routes: [Route] = [
            .get("/hello/{name}") { _ in
                tracer.startSpan("greet", context: .current ?? .topLevel, ofKind: .internal).end()
                return .text("hello")
            }
        ]
        // The test's client is everybody's, and takes the tracer of whoever asks for it first.
        _ = HTTPClient.shared
        try await withTracer(tracer) {
            try await RunningServer.with(try EmbeddedServerTests.server(routes: routes)) { running async throws in
                let caller = [("traceparent", "00-\(Self.trace)-00f067aa0ba902b7-01")]
                #expect(try await running.ask(.GET, "/hello/Ann", caller).status == 200)
                #expect(try await running.ask(.GET, "/nowhere").status == 404)
            }
        }
        var spans: [FinishedSpan] = []
        while let some = queue.take() { spans += some }
        let names = spans.map(\.name)
        #expect(names.sorted() == ["GET", "GET /hello/{name}", "greet"])
        let greeting = try #require(spans.first { $0.name == "greet" })
        let request = try #require(spans.first { $0.name == "GET /hello/{name}" })
        #expect("\(request.identity.trace)" == Self.trace && request.parent.map { "\($0.span)" } == "00f067aa0ba902b7")
        #expect(greeting.parent == request.identity)
    }

    // A process bootstraps once, and these tests share theirs with all others.
    @Test("gets them too where the program bootstraps it")
    func bootstrapped() async {
        await #expect(processExitsWith: .success) {
            let queue = SpanQueue()
            InstrumentationSystem.bootstrap(SpanTracer(to: queue, Sampler(share: 1)))
            let routes: [Route] = [.get("/hello/{name}") { _ in .text("hello") }]
            try await RunningServer.with(try EmbeddedServerTests.server(routes: routes)) { running async throws in
                try #require(try await running.ask(.GET, "/hello/Ann").status == 200)
                try #require(try await running.ask(.PUT, "/v1/stream/answer").status == 201)
            }
            var names: Set<String> = []
            while let some = queue.take() { names.formUnion(some.map(\.name)) }
            try #require(names.isSuperset(of: ["GET /hello/{name}", "PUT /v1/stream/{name}"]))
        }
    }
}
