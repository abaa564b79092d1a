import CoreMetrics
import Freshet
import MetricsTestKit
import NIOHTTP1
import Testing

@Suite("A program's own backend for metrics", .timeLimit(.minutes(10)))
struct MetricsTests {
    // A process bootstraps once, and these tests share theirs with all others.
    @Test("is told what its server did, under the names and labels of /metrics")
    func bootstrapped() async {
        await #expect(processExitsWith: .success) {
            let backend = TestMetrics()
            MetricsSystem.bootstrap(backend)
            try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
                let text = [("Content-Type", "text/plain")]
                try #require(try await running.ask(.PUT, "/v1/stream/answer", text).status == 201)
                try #require(try await running.ask(.POST, "/v1/stream/answer", text, body: "over HTTP").status == 204)
                _ = try await running.streams.create("other")
            }
            try #require(backend.counterTotal(label: "freshet_streams_created_total") == 2)
            try #require(try backend.expectGauge("freshet_streams").lastValue == 2)
            try #require(try backend.expectTimer("freshet_append_seconds").values.count == 1)
            for method in ["PUT", "POST"] {
                try #require(try backend.expectTimer("freshet_request_seconds", [("method", method)]).values.count == 1)
            }
        }
    }
}
