import RedisStreamStore
import StreamCore

/// What keeping an event in Redis costs this process and Redis, beside as many XADD over the same connection.
@available(freshet 0.1, *)
struct RedisRows {
    private let store: RedisStreamStore
    private let seconds: Int

    static func run(_ url: String, _ seconds: Int) async throws {
        var configuration = RedisStoreConfiguration(RedisConfiguration(try RedisURL(url)))
        configuration.prefix = "bench:"
        let store = RedisStreamStore(configuration: configuration)
        try await store.start(within: .seconds(10))
        let rows = RedisRows(store: store, seconds: seconds)
        print("store            in a body  in flight   events/s  CPU us/event  Redis us/event  ack p50 ms  ack p99 ms")
        for events in [1, 16] {
            for inFlight in [1, 256] {
                try await rows.raw(events, inFlight)
                try await rows.append(events, inFlight)
            }
        }
        await store.close()
    }

    private func append(_ events: Int, _ inFlight: Int) async throws {
        let names = try (0..<100).map { try StreamName("\(events)-\(inFlight)/\($0)") }
        for name in names { _ = try await store.create(name, CreateRequest(options: StreamOptions())) }
        let body = EventBody(data: StoreBenchmark.payload)
        let request = AppendRequest(events: EventBatch(Array(repeating: body, count: events)))
        try await row("Redis", events, inFlight) { _ = try await store.append(names[$0 % names.count], request) }
    }

    /// One entry of a Redis stream for each body, over the same client.
    private func raw(_ events: Int, _ inFlight: Int) async throws {
        let payload = Array(repeating: UInt8(ascii: "x"), count: events * StoreBenchmark.payload.count)
        try await row("raw XADD", events, inFlight) { index in
            var command = RedisCommand("XADD", reserving: payload.count + 128)
            command.add("raw:\(index % 100)")
            command.add("MAXLEN")
            command.add("~")
            command.add(10_000)
            command.add("*")
            command.add("f")
            command.add(payload)
            _ = try await store.link.send(command)
        }
    }

    private func row(
        _ label: String,
        _ events: Int,
        _ inFlight: Int,
        _ send: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let began = ContinuousClock.now
        let (cpu, redis) = (StoreBenchmark.cpu(), try await redisCPU())
        let latencies = try await StoreBenchmark.timed(inFlight, seconds, send)
        let elapsed = (ContinuousClock.now - began) / .seconds(1)
        let count = Double(latencies.count * events)
        let sorted = latencies.sorted()
        let columns = [
            StoreBenchmark.pad(label, 16, left: true), StoreBenchmark.pad("\(events)", 9),
            StoreBenchmark.pad("\(inFlight)", 9), StoreBenchmark.pad("\(Int(count / elapsed))", 9),
            StoreBenchmark.pad(StoreBenchmark.text((StoreBenchmark.cpu() - cpu) * 1e6 / count, 2), 12),
            StoreBenchmark.pad(StoreBenchmark.text((try await redisCPU() - redis) * 1e6 / count, 2), 14),
            StoreBenchmark.pad(StoreBenchmark.text(sorted[sorted.count / 2], 3), 10),
            StoreBenchmark.pad(StoreBenchmark.text(sorted[sorted.count * 99 / 100], 3), 10),
        ]
        print(columns.joined(separator: "  "))
    }

    /// Seconds of processor that Redis has used.
    private func redisCPU() async throws -> Double {
        let text = try await store.link.send(RedisCommand(["INFO", "cpu"])).text ?? ""
        return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            guard line.hasPrefix("used_cpu_sys:") || line.hasPrefix("used_cpu_user:") else { return sum }
            return sum + (Double(line.split(separator: ":")[1]) ?? 0)
        }
    }
}
