import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The numbers of a server", .timeLimit(.minutes(10)))
struct MetricsTests {
    /// The value of a series; nil when it is not there.
    private func value(_ series: String, _ server: TestServer) async throws -> Double? {
        let client = try await server.connect()
        let answer = try await client.request(server.request("GET", "/metrics"))
        await client.close()
        try #require(answer.status == 200)
        return answer.body.split(separator: "\n").first { $0.hasPrefix("\(series) ") }
            .flatMap { Double($0.dropFirst(series.utf8.count + 1)) }
    }

    @Test func `count what producers bring and how streams end`() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "hello")
            let stamp = ["Content-Type: text/plain", "Producer-Id: p", "Producer-Epoch: 0", "Producer-Seq: 0"]
            for _ in 0..<2 {
                let client = try await server.connect()
                _ = try await client.request(server.request("POST", "/v1/stream/a", stamp, body: "again"))
                await client.close()
            }
            try await server.ask("POST", "/v1/stream/a", "Stream-Cancel: true")
            #expect(try await value("freshet_streams", server) == 1)
            #expect(try await value("freshet_streams_created_total", server) == 1)
            #expect(try await value("freshet_appends_total", server) == 2)
            #expect(try await value("freshet_appended_events_total", server) == 2)
            #expect(try await value("freshet_appended_bytes_total", server) == 10)
            #expect(try await value("freshet_append_duplicates_total", server) == 1)
            #expect(try await value("freshet_stream_ends_total{reason=\"cancelled\"}", server) == 1)
            #expect(try await value("freshet_responses_total{status=\"201\"}", server) == 1)
            try await server.ask("DELETE", "/v1/stream/a")
            #expect(try await value("freshet_streams_removed_total{why=\"deleted\"}", server) == 1)
            #expect(try await value("freshet_streams", server) == 0)
        }
    }

    @Test func `count readers, resumes, gaps and deliveries`() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            try await server.ask(
                "POST",
                "/v1/stream/a",
                "Content-Type: text/event-stream",
                body: "data: one\n\ndata: two\n\n"
            )
            _ = try await reader.read(through: "two")
            #expect(try await value("freshet_readers{form=\"sse\"}", server) == 1)
            #expect(try await value("freshet_deliveries_total", server) == 2)
            #expect(try await value("freshet_resumes_total", server) == 0)
            await reader.close()
            try await server.until("the reader has gone") {
                try await value("freshet_readers{form=\"sse\"}", server) == 0
            }
            let lost = try await server.reader("/v1/stream/a", "Last-Event-ID: 000000000001")
            _ = try await lost.read(through: "event: gap")
            #expect(try await value("freshet_resumes_total", server) == 1)
            #expect(try await value("freshet_gaps_total", server) == 1)
            #expect(try await value("freshet_reads_total{form=\"sse\"}", server) == 2)
            await lost.close()
            let held = try await server.reader("/v1/stream/not-yet")
            #expect(try await value("freshet_held_readers", server) == 1)
            await held.close()
        }
    }

    @Test func `want a key that may read everything`() async throws {
        let keys = "team 0123456789abcdef all team/*\nall fedcba9876543210 read *\n"
        try await TestServer.run(keys: keys) { server in
            #expect(try await server.ask("GET", "/metrics").status == 401)
            let team = try await server.ask("GET", "/metrics", "Authorization: Bearer 0123456789abcdef")
            #expect(team.status == 403)
            let all = try await server.ask("GET", "/metrics", "Authorization: Bearer fedcba9876543210")
            #expect(all.status == 200)
            #expect(all.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    @Test func `time appends, deliveries and requests, and nothing that waits for somebody else`() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/event-stream")
            let reader = try await server.reader("/v1/stream/a")
            for _ in 0..<3 {
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/event-stream", body: "data: x\n\n")
                _ = try await reader.read(through: "x")
            }
            // Refused by the store: answered, and not kept.
            try await server.ask("POST", "/v1/stream/nowhere", "Content-Type: text/event-stream", body: "data: x\n\n")
            let gets = "freshet_request_seconds_count{method=\"GET\"}"
            let tail = try #require(try await server.streams.info(StreamName("a"))?.tail)
            let before = try #require(await value(gets, server))
            let waiting = try await server.connect()
            try await waiting.send(server.request("GET", "/v1/stream/a?offset=\(tail)&live=long-poll"))
            var looks = 1.0
            try await server.until("it waits") {
                looks += 1
                return try await value("freshet_readers{form=\"long-poll\"}", server) == 1
            }
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/event-stream", body: "data: y\n\n")
            #expect(try await waiting.response().status == 200)
            await waiting.close()
            // Who waited may be told before who follows, whose delivery is counted below.
            _ = try await reader.read(through: "data: y")
            #expect(try await value(gets, server) == before + looks, "those that asked before, and no long-poll")
            #expect(try await value("freshet_append_seconds_count", server) == 4)
            #expect(try await value("freshet_append_seconds_bucket{le=\"+Inf\"}", server) == 4)
            #expect(try await value("freshet_append_seconds_bucket{le=\"60\"}", server) == 4)
            #expect(try await value("freshet_append_seconds_sum", server) == 0, "the test's clock stands still")
            #expect(try await value("freshet_delivery_seconds_count", server) == 4)
            #expect(try await value("freshet_request_seconds_count{method=\"PUT\"}", server) == 1)
            #expect(try await value("freshet_request_seconds_count{method=\"POST\"}", server) == 5)
            #expect(try await value("freshet_request_seconds_count{method=\"DELETE\"}", server) == nil)
            #expect(try await value("freshet_sync_seconds_count", server) == 0, "the memory store syncs nothing")
            await reader.close()
        }
    }

    @Test func `a histogram is told cumulatively, with its own labels first`() {
        var times = LatencyHistogram()
        for time in [Duration.microseconds(100), .milliseconds(3), .milliseconds(3), .seconds(100)] { times.add(time) }
        let text = MetricsText.text(of: [MetricFamily("freshet_test_seconds", "times", by: "at", [("log", times)])])
        #expect(text.contains("# TYPE freshet_test_seconds histogram\n"))
        for line in [
            #"_bucket{at="log",le="0.0005"} 1"#, #"_bucket{at="log",le="0.002"} 1"#, #"_bucket{at="log",le="0.005"} 3"#,
            #"_bucket{at="log",le="60"} 3"#, #"_bucket{at="log",le="+Inf"} 4"#, #"_sum{at="log"} 100.0061"#,
            #"_count{at="log"} 4"#,
        ] {
            #expect(text.contains("freshet_test_seconds\(line)\n"), "\(line)")
        }
    }

    @Test func `are written so that no text breaks a line`() {
        let family = MetricFamily(
            "freshet_test",
            .gauge,
            "one\\ two\nthree",
            [.init(1.5, [("label", "a\"b\\c\nd")]), .init(.infinity), .init(3)]
        )
        #expect(
            MetricsText.text(of: [family])
                == """
                # HELP freshet_test one\\\\ two\\nthree
                # TYPE freshet_test gauge
                freshet_test{label="a\\"b\\\\c\\nd"} 1.5
                freshet_test +Inf
                freshet_test 3

                """
        )
    }
}
