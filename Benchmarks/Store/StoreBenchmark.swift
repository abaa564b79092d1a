import SQLiteStreamStore
import StreamCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What keeping an event costs, in the memory store, in the SQLite store and, where its URL is given, in Redis, in one run.
///
///     StoreBenchmark DIRECTORY [SECONDS [REDIS]]
@available(freshet 0.1, *)
@main
struct StoreBenchmark {
    static let payload = Array(repeating: UInt8(ascii: "x"), count: 100)

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2 else {
            print("usage: StoreBenchmark DIRECTORY [SECONDS [REDIS]]")
            exit(64)
        }
        let seconds = arguments.count > 2 ? Int(arguments[2]) ?? 5 : 5
        print("Events of 100 bytes; one append an event; \(seconds) s a row. CPU is of the whole process.")
        print("store            streams  in flight   events/s  CPU us/event  ack p50 ms  ack p99 ms  disk/payload")
        for streams in [1, 100, 10_000] {
            for inFlight in [1, 1000] {
                let memory = MemoryStreamStore(limits: StoreLimits(streams: 1 << 20, bytes: 8 << 30))
                try await row("memory", memory, streams, inFlight, seconds, directory: nil)
                for durability in Durability.allCases {
                    let directory = "\(arguments[1])/\(durability)-\(streams)-\(inFlight)"
                    let store = try SQLiteStreamStore(
                        directory: directory,
                        configuration: SQLiteStoreConfiguration(durability: durability)
                    )
                    try await row("SQLite, \(durability)", store, streams, inFlight, seconds, directory: directory)
                    await store.close()
                }
            }
        }
        if arguments.count > 3 { try await RedisRows.run(arguments[3], seconds) }
        try await reopen("\(arguments[1])/reopen")
        try await fork("\(arguments[1])/fork")
    }

    /// Appends with so many requests in flight, for so long.
    static func row(
        _ label: String,
        _ store: any StreamStore,
        _ streams: Int,
        _ inFlight: Int,
        _ seconds: Int,
        directory: String?
    ) async throws {
        let names = try (0..<streams).map { try StreamName("bench/\($0)") }
        for name in names { _ = try await store.create(name, CreateRequest(options: StreamOptions())) }
        let began = ContinuousClock.now
        let cpuBefore = cpu()
        let writtenBefore = written()
        let request = AppendRequest(events: [EventBody(data: payload)])
        let latencies = try await timed(inFlight, seconds) { index in
            _ = try await store.append(names[index % names.count], request)
        }
        let elapsed = (ContinuousClock.now - began) / .seconds(1)
        let spent = cpu() - cpuBefore
        let disk =
            directory == nil ? "-" : text((written() - writtenBefore) / Double(latencies.count * payload.count), 1)
        let sorted = latencies.sorted()
        let columns = [
            pad(label, 16, left: true), pad("\(streams)", 7), pad("\(inFlight)", 9),
            pad("\(Int(Double(sorted.count) / elapsed))", 9), pad(text(spent * 1e6 / Double(sorted.count), 2), 12),
            pad(text(sorted[sorted.count / 2], 3), 10), pad(text(sorted[sorted.count * 99 / 100], 3), 10),
            pad(disk, 12),
        ]
        print(columns.joined(separator: "  "))
    }

    /// Sends with so many requests in flight, for so many seconds, and returns how many milliseconds each took.
    ///
    /// - Parameter send: one request, answered; its argument counts the requests, each once.
    static func timed(
        _ inFlight: Int,
        _ seconds: Int,
        _ send: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> [Double] {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(seconds)
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for task in 0..<inFlight {
                group.addTask {
                    var latencies: [Double] = []
                    var index = task
                    while clock.now < deadline {
                        let sent = clock.now
                        try await send(index)
                        latencies.append((clock.now - sent) / .milliseconds(1))
                        index += inFlight
                    }
                    return latencies
                }
            }
            var all: [Double] = []
            for try await some in group { all += some }
            return all
        }
    }

    /// How long a directory of a million events takes to open, as a dead process left it and after an orderly end.
    static func reopen(_ directory: String) async throws {
        let names = try (0..<1000).map { try StreamName("bench/\($0)") }
        let body = EventBody(data: payload)
        func fill(_ store: SQLiteStreamStore) async throws {
            for name in names { _ = try await store.create(name, CreateRequest(options: StreamOptions())) }
            try await withThrowingTaskGroup { group in
                for part in 0..<100 {
                    group.addTask {
                        for name in names[(part * 10)..<(part * 10 + 10)] {
                            for _ in 0..<100 {
                                let request = AppendRequest(events: EventBatch(Array(repeating: body, count: 10)))
                                _ = try await store.append(name, request)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let store = try SQLiteStreamStore(directory: directory)
        try await fill(store)
        await store.close()
        let began = ContinuousClock.now
        let again = try SQLiteStreamStore(directory: directory)
        let elapsed = (ContinuousClock.now - began) / .milliseconds(1)
        let events = try await again.list(prefix: "", after: nil, limit: 2000).reduce(0) { $0 + $1.events }
        await again.close()
        print("A directory of \(events) events in 1000 streams opens in \(text(elapsed, 0)) ms.")
    }

    /// How long a fork of a long stream takes, and for how long it holds up an append to another one.
    static func fork(_ directory: String) async throws {
        let store = try SQLiteStreamStore(directory: directory)
        let source = try StreamName("source")
        let other = try StreamName("other")
        for name in [source, other] { _ = try await store.create(name, CreateRequest(options: StreamOptions())) }
        let many = AppendRequest(events: EventBatch(Array(repeating: EventBody(data: payload), count: 5000)))
        for _ in 0..<132 { _ = try await store.append(source, many) }
        let clock = ContinuousClock()
        let appending = Task {
            var longest = Duration.zero
            while !Task.isCancelled {
                let sent = clock.now
                _ = try await store.append(other, AppendRequest(events: [EventBody(data: payload)]))
                longest = max(longest, clock.now - sent)
            }
            return longest
        }
        var took: [Double] = []
        for round in 0..<3 {
            let began = clock.now
            let request = CreateRequest(options: StreamOptions(), fork: ForkRequest(source: source))
            _ = try await store.create(try StreamName("fork/\(round)"), request)
            took.append((clock.now - began) / .milliseconds(1))
        }
        appending.cancel()
        let longest = try await appending.value / .milliseconds(1)
        let events = try await store.info(source)?.events ?? 0
        await store.close()
        print(
            "A fork of \(events) events takes \(text(took.sorted()[1], 0)) ms; the longest append to another stream "
                + "meanwhile took \(text(longest, 0)) ms."
        )
    }

    /// Seconds of processor time of this process.
    static func cpu() -> Double {
        let usage = usage()
        let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        return seconds + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    /// Bytes this process had written to the disk.
    static func written() -> Double { Double(usage().ru_oublock) * 512 }

    private static func usage() -> rusage {
        var usage = rusage()
        #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        #else
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        #endif
        return usage
    }

    static func text(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((value * scale).rounded())
        guard digits > 0 else { return "\(scaled)" }
        let fraction = "\(scaled % Int(scale))"
        return "\(scaled / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    static func pad(_ text: String, _ width: Int, left: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return left ? text + blanks : blanks + text
    }
}
