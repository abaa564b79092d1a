import CoreMetrics
import Freshet
import MetricsTestKit
import Testing

@Suite("The application's backend for metrics", .timeLimit(.minutes(10)))
struct MetricsTests {
    // A process bootstraps once, and these tests share theirs with all others.
    @Test("is told what its streams did, and nothing of connections, which are not theirs")
    func bootstrapped() async {
        await #expect(processExitsWith: .success) {
            let backend = TestMetrics()
            MetricsSystem.bootstrap(backend)
            try await RunningApp.with { app async throws in
                let stream = try await app.streams.create("answer")
                try await stream.append("in process")
            }
            try #require(backend.counterTotal(label: "freshet_streams_created_total") == 1)
            try #require(try backend.expectTimer("freshet_append_seconds").values.count == 1)
            try #require(backend.recorders(label: "freshet_connections").isEmpty)
        }
    }
}
