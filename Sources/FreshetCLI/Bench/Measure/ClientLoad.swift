import Foundation
import FreshetServer
import NIOCore

/// What the client itself needed, and whether that was the limit.
@available(freshet 0.1, *)
struct ClientLoad: Codable, Equatable {
    /// Processors that this process used, on average: 1 is a whole one.
    var processors: Double
    /// Loops that the connections are on.
    var threads: Int
    /// How late a loop came to its work, the 99th percentile, in milliseconds.
    var loopLagP99: Double
    /// How late something due was begun, the 99th percentile, in milliseconds.
    var latenessP99: Double

    /// From here on a client measures itself.
    static let mostOfThreads = 0.9
    static let longestDelay = 10.0

    /// Why the figures say more of this client than of the server; empty if they do not.
    var limits: [String] {
        var found: [String] = []
        if processors >= Self.mostOfThreads * Double(threads) {
            let used = String(format: "%.2f", processors)
            found.append("it used \(used) processors for its \(threads) thread\(threads == 1 ? "" : "s")")
        }
        if loopLagP99 >= Self.longestDelay {
            found.append(String(format: "its loops came to their work %.1f ms late (p99)", loopLagP99))
        }
        if latenessP99 >= Self.longestDelay {
            found.append(String(format: "the schedule was not kept: %.1f ms late (p99)", latenessP99))
        }
        return found
    }

    enum CodingKeys: String, CodingKey {
        case processors, threads, loopLagP99, latenessP99, limits
    }

    init(processors: Double, threads: Int, loopLagP99: Double, latenessP99: Double) {
        self.processors = processors
        self.threads = threads
        self.loopLagP99 = loopLagP99
        self.latenessP99 = latenessP99
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        processors = try values.decode(Double.self, forKey: .processors)
        threads = try values.decode(Int.self, forKey: .threads)
        loopLagP99 = try values.decode(Double.self, forKey: .loopLagP99)
        latenessP99 = try values.decode(Double.self, forKey: .latenessP99)
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(processors, forKey: .processors)
        try values.encode(threads, forKey: .threads)
        try values.encode(loopLagP99, forKey: .loopLagP99)
        try values.encode(latenessP99, forKey: .latenessP99)
        try values.encode(limits, forKey: .limits)
    }
}

/// Notices how late an event loop comes to what is due on it, and what the process uses meanwhile.
@available(freshet 0.1, *)
enum LoopLag {
    private static let interval = TimeAmount.milliseconds(10)

    /// Measures until the run is over.
    static func watch(_ loop: any EventLoop, into measurements: Measurements) {
        let due = NIODeadline.now() + interval
        loop.scheduleTask(deadline: due) {
            let now = BenchClock.now
            measurements.record(.loopLag, from: due.uptimeNanoseconds, to: now)
            measurements.note(processorSeconds: ProcessMetrics.cpuSeconds, at: now)
            if !measurements.isOver { watch(loop, into: measurements) }
        }
    }
}
