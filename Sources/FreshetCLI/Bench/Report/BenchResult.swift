import Foundation

/// What a run found, as `--json` prints it and `--compare` reads it.
@available(freshet 0.1, *)
struct BenchResult: Codable, Equatable {
    /// Something counted.
    struct Figure: Codable, Equatable {
        var name: String
        /// In the whole run, warm-up and end included: what the server counted too.
        var all: Int
        /// In the measured part.
        var measured: Int
        /// Of the measured part, a second; nil for what has no rate.
        var perSecond: Double?

        init(name: String, all: Int, measured: Int, perSecond: Double?) {
            self.name = name
            self.all = all
            self.measured = measured
            self.perSecond = perSecond
        }

        init(_ name: String, _ count: Measurements.Count, _ seconds: Double, hasRate: Bool = true) {
            self.init(
                name: name,
                all: count.all,
                measured: count.measured,
                perSecond: hasRate ? BenchResult.rounded(Double(count.measured) / seconds) : nil
            )
        }
    }

    /// How long something took, in milliseconds, exact to three digits.
    struct Latency: Codable, Equatable {
        var name: String
        var count: Int
        var mean: Double
        var p50: Double
        var p90: Double
        var p99: Double
        var p999: Double
        var max: Double

        init(_ name: String, _ histogram: Histogram) {
            self.name = name
            count = Int(histogram.count)
            mean = BenchResult.rounded(histogram.mean / 1000)
            let milliseconds = { (part: Double) in Double(histogram.quantile(part)) / 1000 }
            p50 = milliseconds(0.5)
            p90 = milliseconds(0.9)
            p99 = milliseconds(0.99)
            p999 = milliseconds(0.999)
            max = Double(histogram.maximum) / 1000
        }
    }

    /// `freshet --version` of the client.
    var version: String
    var mode: String
    /// RFC 3339, in UTC.
    var date: String
    /// The server's address, or that of the foreign stream.
    var server: String
    /// What the responses spoke: `HTTP/1.1`, `HTTP/2`.
    var protocols: [String]
    /// The client's machine.
    var machine: BenchMachine
    var options: [String: String]
    var figures: [Figure]
    var latencies: [Latency]
    /// Events that waited for the answer to one before them.
    var held: Int
    /// How often, by kind.
    var errors: [String: Int]
    var client: ClientLoad

    init(_ mode: some BenchMode, _ context: BenchContext, _ load: ClientLoad) {
        let measurements = context.measurements
        version = ProgramVersion.text
        self.mode = type(of: mode).name
        date = Date.now.formatted(.iso8601)
        server = mode.foreign ?? context.options.server
        protocols = measurements.protocols
        machine = .this
        options = context.options.options.merging(mode.options) { _, own in own }
        figures = mode.figures(measurements, seconds: context.options.duration)
        latencies = mode.latencies.compactMap { series, name in
            let histogram = measurements.histogram(series)
            return histogram.count > 0 ? Latency(name, histogram) : nil
        }
        held = measurements.count(.held).measured
        errors = measurements.errors
        client = load
    }

    /// One JSON object, with an LF.
    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

/// A machine, as far as figures depend on it.
@available(freshet 0.1, *)
struct BenchMachine: Codable, Equatable {
    var system: String
    var processor: String
    var processors: Int

    static var this: BenchMachine {
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":", maxSplits: 1).last.map { $0.trimmingCharacters(in: .whitespaces) }
        return BenchMachine(
            system: ProcessInfo.processInfo.operatingSystemVersionString,
            processor: name ?? "unknown",
            processors: ProcessInfo.processInfo.activeProcessorCount
        )
    }
}
