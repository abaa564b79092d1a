import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The numbers of a server", .timeLimit(.minutes(2)))
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
