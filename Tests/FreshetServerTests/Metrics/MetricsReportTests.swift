import CoreMetrics
import Locks
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The figures for a program's own backend")
struct MetricsReportTests {
    /// A backend that notes what it is told, by the label and the dimensions.
    private final class Backend: MetricsFactory {
        private let told = Mutex<[String: [Int64]]>([:])

        /// What was told of one series, in order; nil for one that was never made.
        func values(_ series: String) -> [Int64]? { told.withLock { $0[series] } }

        var series: [String] { told.withLock { $0.keys.sorted() } }

        private func handler(_ label: String, _ dimensions: [(String, String)]) -> Handler {
            let series = ([label] + dimensions.map { "\($0.0)=\($0.1)" }).joined(separator: " ")
            told.withLock { $0[series] = $0[series] ?? [] }
            return Handler { [self] value in told.withLock { $0[series, default: []].append(value) } }
        }

        func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
            handler(label, dimensions)
        }
        func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
            handler(label, dimensions)
        }
        func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
            handler(label, dimensions)
        }
        func destroyCounter(_ handler: any CounterHandler) {}
        func destroyRecorder(_ handler: any RecorderHandler) {}
        func destroyTimer(_ handler: any TimerHandler) {}
    }

    private final class Handler: CounterHandler, RecorderHandler, TimerHandler {
        private let tell: @Sendable (Int64) -> Void

        init(_ tell: @escaping @Sendable (Int64) -> Void) {
            self.tell = tell
        }

        func increment(by amount: Int64) { tell(amount) }
        func reset() {}
        func record(_ value: Int64) { tell(value) }
        func record(_ value: Double) { tell(Int64(value)) }
        func recordNanoseconds(_ duration: Int64) { tell(duration) }
    }

    private final class Source: MetricsSource {
        let appends = Mutex(0)
        let readers = Mutex(0)
        let times = Mutex(LatencyHistogram())

        func metrics() async -> [MetricFamily] {
            [
                MetricFamily("appends_total", .counter, "Appends", appends.withLock(\.self)),
                MetricFamily("readers", .gauge, "Readers", by: "form", [("sse", readers.withLock(\.self))]),
                MetricFamily("append_seconds", "Durations", by: "method", [("POST", times.withLock(\.self))]),
            ]
        }
    }

    private let backend = Backend()
    private let source = Source()

    @Test("are told once each: what was counted since, what there is, and every duration")
    func tells() async throws {
        let report = try #require(MetricsReport(of: [source], to: backend))
        source.appends.withLock { $0 = 3 }
        source.readers.withLock { $0 = 7 }
        source.times.withLock {
            $0.add(.milliseconds(100))
            $0.add(.milliseconds(100))
            $0.add(.microseconds(5))
        }
        await report.tell()
        source.appends.withLock { $0 = 5 }
        source.readers.withLock { $0 = 6 }
        source.times.withLock { $0.add(.seconds(2)) }
        await report.tell()
        await report.tell()
        #expect(backend.values("appends_total") == [3, 2])
        #expect(backend.values("readers form=sse") == [7, 6, 6])
        let times = try #require(backend.values("append_seconds method=POST"))
        #expect(times.count == 4 && times[0] == 5_000)
        for (told, real) in zip(times.dropFirst(), [100_000_000.0, 100_000_000, 2_000_000_000]) {
            #expect(abs(Double(told) - real) <= real / 8, "\(told)")
        }
    }

    @Test("what is not counted yet is there with nothing, and the last is told at the end")
    func ends() async throws {
        let report = try #require(MetricsReport(of: [source], to: backend))
        await report.begin()
        source.appends.withLock { $0 = 1 }
        await report.end()
        // What is counted is gone by then.
        source.appends.withLock { $0 = 2 }
        await report.end()
        #expect(backend.values("appends_total") == [1])
        #expect(backend.values("readers form=sse") == [0])
        #expect(backend.values("append_seconds method=POST") == [])
    }

    @Test("nothing is reported where the program has no backend")
    func none() {
        #expect(MetricsReport(of: [source]) == nil)
        #expect(MetricsReport(of: [source], to: NOOPMetricsHandler.instance) == nil)
    }

    @Test("a server's are those of /metrics, by the same names, but for the process's own")
    func whole() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let client = try await server.connect()
            let text = try await client.request(server.request("GET", "/metrics")).body
            await client.close()
            let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE freshet_") }
            let shown = Set(types.map { String($0.split(separator: " ")[2]) })
            let metrics = ServerMetrics(
                plane: server.service.plane,
                loops: server.service.server.loops,
                connections: { 1 },
                quotas: QuotaTable(QuotaLimits(ServerConfiguration()), time: server.time)
            )
            let report = try #require(MetricsReport(of: [metrics], to: backend))
            await report.tell()
            let told = Set(backend.series.map { String($0.split(separator: " ")[0]) })
            // A family without a value has no series.
            #expect(told.isSubset(of: shown) && told.count > 30)
            #expect(backend.values("freshet_streams_created_total") == [1])
        }
    }
}
