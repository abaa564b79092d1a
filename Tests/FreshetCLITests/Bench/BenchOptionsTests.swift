import ArgumentParser
import Foundation
import Testing

@testable import FreshetCLI

@Suite struct BenchOptionsTests {
    /// What is said of a command line; nil for one that can be run.
    private static func refusal(_ line: String) -> String? {
        do {
            _ = try Freshet.parseAsRoot(line.split(separator: " ").map(String.init))
            return nil
        } catch {
            return Freshet.message(for: error)
        }
    }

    @Test(
        arguments: [
            ("bench fan-out --readers 0", "--readers is a whole number from 1 to 100000."),
            ("bench fan-out --readers 100001", "--readers is a whole number from 1 to 100000."),
            ("bench fan-out --bytes 95", "--bytes is a whole number from 96 to 65536."),
            ("bench fan-out --rate 0", "--rate is a number from 0.1 to 100000."),
            ("bench fan-out --rate nan", "--rate is a number from 0.1 to 100000."),
            ("bench fan-out --duration 3601", "--duration is a number of seconds from 0.1 to 3600."),
            ("bench fan-out --warmup -1", "--warmup"),
            ("bench fan-out --threads 65", "--threads is a whole number from 1 to 64."),
            ("bench fan-out --url example.org", "http"),
            ("bench fan-out --stream http://127.0.0.1:4437/v1/stream/a", "--stream is a name"),
            ("bench tokens --streams 20001", "--streams is a whole number from 1 to 20000."),
            ("bench tokens --form producer", "form"),
            ("bench append --events 1001", "--events is a whole number from 1 to 1000."),
            ("bench append --streams 65", "--streams is at most --connections"),
            ("bench replay --size 5GiB", "--size is a size from 1 to 4GiB"),
            ("bench slow --slow-rate 0", "--slow-rate is a whole number from 1 to 1000000000."),
            ("bench ramp --rate 1000 --duration 100", "at most 100000 connections"),
            ("bench relay --path chat", "--path is a path that begins with a slash"),
            ("bench relay --calls 10001", "--calls is a whole number from 1 to 10000."),
        ] as [(String, String)]
    )
    func `a number beyond its bounds is refused, and the bounds are told`(line: String, words: String) throws {
        let refusal = try #require(Self.refusal(line))
        #expect(refusal.contains(words), "\(refusal)")
    }

    @Test(
        arguments: [
            "bench fan-out", "bench tokens --form live", "bench append --form producer --streams 3 --events 16",
            "bench replay --size 1MiB http://127.0.0.1:4437", "bench slow", "bench ramp", "bench relay --model m",
            "bench fan-out --url https://example.org/events",
        ]
    )
    func `every mode runs without an option`(line: String) {
        #expect(Self.refusal(line) == nil)
    }

    @Test func `the rest of the options has its defaults`() throws {
        let settings = try BenchOptions.parse(["http://127.0.0.1:1/", "--threads", "3"]).settings()
        #expect(
            settings
                == BenchSettings(
                    server: "http://127.0.0.1:1",
                    duration: 10,
                    warmup: 2,
                    stream: nil,
                    threads: 3,
                    isHTTP1: false
                )
        )
        #expect(settings.options == ["duration": "10", "warmup": "2", "threads": "3", "http1": "false"])
    }

    @Test func `an earlier result has to be one`() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let options = try BenchOptions.parse(["--compare", file.path])
        #expect(throws: ValidationError.self) { try options.earlier() }
        try Data("{}".utf8).write(to: file)
        #expect(throws: ValidationError.self) { try options.earlier() }
        #expect(try BenchOptions.parse([]).earlier() == nil)
    }

    @Test func `streams are under bench, with a name that nobody else has, unless one is given`() {
        let client = StreamClient(key: nil)
        let one = BenchStreams(server: "http://h", prefix: nil, client: client)
        let other = BenchStreams(server: "http://h", prefix: nil, client: client)
        #expect(one.url(0, of: 1).hasPrefix("http://h/v1/stream/bench/"))
        #expect(one.url(0, of: 1) != other.url(0, of: 1))
        let named = BenchStreams(server: "http://h", prefix: "a b", client: client)
        #expect(named.url(0, of: 1) == "http://h/v1/stream/a%20b")
        #expect(named.url(2, of: 3) == "http://h/v1/stream/a%20b/2")
    }
}
