import ArgumentParser
import EventSource
import Foundation

/// What every mode of `freshet bench` takes.
@available(freshet 0.1, *)
struct BenchOptions: ParsableArguments {
    static let mostSeconds = 3600.0
    static let mostThreads = 64

    @Argument(
        help: ArgumentHelp(
            "The server's address; without it the one that FRESHET_URL names (\(StreamURL.defaultServer)).",
            valueName: "server"
        )
    )
    var server: String?

    @Option(help: ArgumentHelp("How long is measured, at most 3600.", valueName: "seconds"))
    var duration = 10.0

    @Option(help: ArgumentHelp("How long the load runs before it is measured, at most 3600.", valueName: "seconds"))
    var warmup = 2.0

    @Option(
        help: ArgumentHelp(
            "The name of the stream, or what the names of several begin with. The streams must not be there yet. "
                + "(default: bench/ and a random text)",
            valueName: "name"
        )
    )
    var stream: String?

    @Option(
        help: ArgumentHelp(
            "Threads of this client, at most 64. (default: half of the processors, at most 4)",
            valueName: "count"
        )
    )
    var threads: Int?

    @Flag(name: .customLong("http1"), help: "Over https, speak HTTP/1.1 even if the server speaks HTTP/2.")
    var isHTTP1 = false

    @Flag(help: "Print one JSON object instead of the table.")
    var json = false

    @Option(help: ArgumentHelp("Compare with this earlier output of --json.", valueName: "file"))
    var compare: String?

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard duration >= 0.1, duration <= Self.mostSeconds else {
            throw ValidationError("--duration is a number of seconds from 0.1 to 3600.")
        }
        guard warmup >= 0, warmup <= Self.mostSeconds else {
            throw ValidationError("--warmup is a number of seconds from 0 to 3600.")
        }
        try Self.check(threads ?? 1, 1...Self.mostThreads, "--threads")
        if let stream, StreamURL.isAddress(stream) {
            throw ValidationError("--stream is a name, not an address; give the server's address without an option.")
        }
    }

    /// - Throws: A usage error that names the option and its bounds.
    static func check(_ value: Int, _ bounds: ClosedRange<Int>, _ name: String) throws {
        guard bounds.contains(value) else {
            throw ValidationError("\(name) is a whole number from \(bounds.lowerBound) to \(bounds.upperBound).")
        }
    }

    /// - Throws: A usage error that names the option and its bounds.
    static func check(rate: Double, _ most: Double, _ name: String) throws {
        guard rate >= 0.1, rate <= most else {
            throw ValidationError("\(name) is a number from 0.1 to \(Int(most)).")
        }
    }

    /// The options with what stands for those that were not given.
    func settings() throws -> BenchSettings {
        let origin = try server.map(Self.origin) ?? StreamURL.server()
        if let stream { _ = try StreamURL(stream) }
        let processors = ProcessInfo.processInfo.activeProcessorCount
        return BenchSettings(
            server: origin,
            duration: duration,
            warmup: warmup,
            stream: stream,
            threads: threads ?? max(1, min(4, processors / 2)),
            isHTTP1: isHTTP1
        )
    }

    private static func origin(_ server: String) throws -> String {
        guard Target(server) != nil else {
            throw ValidationError(URLTrouble.describe(server, example: StreamURL.defaultServer) + ".")
        }
        return server.hasSuffix("/") ? String(server.dropLast()) : server
    }

    /// The earlier result that is compared with.
    func earlier() throws -> BenchResult? {
        guard let compare else { return nil }
        guard let data = FileManager.default.contents(atPath: compare) else {
            throw ValidationError("The file of --compare, '\(compare)', cannot be read.")
        }
        guard let found = try? JSONDecoder().decode(BenchResult.self, from: data) else {
            throw ValidationError("The file of --compare, '\(compare)', is no output of 'freshet bench --json'.")
        }
        return found
    }
}

/// Options of all modes, with every default resolved.
@available(freshet 0.1, *)
struct BenchSettings: Sendable, Equatable {
    /// The server's origin, without a slash at the end.
    var server: String
    /// Seconds that are measured.
    var duration: Double
    /// Seconds before.
    var warmup: Double
    var stream: String?
    var threads: Int
    var isHTTP1: Bool

    /// From the first that is due to the last, in seconds.
    var seconds: Double { duration + warmup }

    /// As a result tells them.
    var options: [String: String] {
        [
            "duration": Self.text(duration), "warmup": Self.text(warmup), "threads": "\(threads)",
            "http1": "\(isHTTP1)",
        ]
    }

    /// A number without a needless `.0`.
    static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    }
}

/// What modes take that only read: any server's event stream instead of one that the run makes.
@available(freshet 0.1, *)
struct ForeignOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read this event stream, of any server, instead of one that the run makes. The key of --key is sent to it, "
                + "that of FRESHET_KEY is not.",
            valueName: "url"
        )
    )
    var url: String?

    func validate() throws {
        if let url, Target(url) == nil {
            throw ValidationError(URLTrouble.describe(url, example: "https://example.org/events") + ".")
        }
    }
}
