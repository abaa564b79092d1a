import Foundation
import Testing

@testable import FreshetCLI

@Suite struct BenchComparisonTests {
    /// A result of a run of fan-out, as a file of `--json` has it.
    private static func result(rate: String = "100", p99: Double = 4, errors: String = "{}") throws -> BenchResult {
        let json = """
            {"client":{"latenessP99":0.1,"limits":[],"loopLagP99":0.2,"processors":0.5,"threads":1},
            "date":"2026-11-29T12:00:00Z","errors":\(errors),
            "figures":[{"all":120,"measured":100,"name":"events appended","perSecond":10},
            {"all":1200,"measured":1000,"name":"events read","perSecond":100}],
            "held":0,
            "latencies":[{"count":1000,"max":9,"mean":2.5,"name":"due to read","p50":2,"p90":3,"p99":\(p99),"p999":8}],
            "machine":{"processor":"one","processors":2,"system":"Linux"},"mode":"fan-out",
            "options":{"duration":"10","rate":"\(rate)"},"protocols":["HTTP/1.1"],
            "server":"http://127.0.0.1:4437","version":"0.1.0"}
            """
        return try JSONDecoder().decode(BenchResult.self, from: Data(json.utf8))
    }

    @Test func `a result is read as it was printed`() throws {
        let result = try Self.result()
        #expect(try JSONDecoder().decode(BenchResult.self, from: Data(result.json())) == result)
        #expect(try result.json().last == UInt8(ascii: "\n"))
        #expect(try !result.json().dropLast().contains(UInt8(ascii: "\n")))
    }

    @Test func `ratios are now to then`() throws {
        let comparison = BenchComparison(earlier: try Self.result(), now: try Self.result(p99: 6))
        let rows = Dictionary(uniqueKeysWithValues: comparison.rows.map { ($0.name, $0.ratio) })
        #expect(rows["due to read, p99, ms"] == 1.5)
        #expect(rows["due to read, p50, ms"] == 1)
        #expect(rows["events read a second"] == 1)
        #expect(rows["processors of the client"] == 1)
        #expect(comparison.differences.isEmpty)
        #expect(comparison.text.contains("beside the run of 2026-11-29T12:00:00Z"))
    }

    @Test func `what differs beside the figures is told`() throws {
        var now = try Self.result(rate: "200", errors: #"{"answered 507 (store-full)":3}"#)
        now.machine.processors = 64
        now.client.processors = 1
        now.options["readers"] = "5"
        let differences = BenchComparison(earlier: try Self.result(), now: now).differences
        #expect(
            differences == [
                "another machine: 2 x one, Linux then, 64 x one, Linux now", "--rate: 100 then, 200 now",
                "--readers: none then, 5 now", "a client was the limit, so that a ratio says little of the server",
                "a run had errors",
            ]
        )
    }

    @Test func `the table marks a client that was the limit, and errors`() throws {
        var result = try Self.result(errors: #"{"answered 429":2,"no whole response: reset":7}"#)
        #expect(!BenchTable.text(result).contains("THE CLIENT WAS THE LIMIT"))
        result.client.latenessP99 = 50
        let table = BenchTable.text(result)
        #expect(table.contains("THE CLIENT WAS THE LIMIT: the schedule was not kept: 50.0 ms late (p99)."))
        let errors = table.split(separator: "\n").filter { $0.contains("ERRORS") }
        #expect(errors == ["  ERRORS: 7 x no whole response: reset", "  ERRORS: 2 x answered 429"])
    }
}
