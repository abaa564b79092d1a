import StoreSuite
import StreamCore

/// A node on a memory store and a clock that a test moves.
struct Node {
    let time = ManualTime()
    let store: ScriptedStore
    let streams: Streams

    init(limits: StoreLimits = StoreLimits(), configuration: StreamsConfiguration = StreamsConfiguration()) {
        store = ScriptedStore(MemoryStreamStore(limits: limits, time: time))
        streams = Streams(store: store, configuration: configuration, time: time)
    }

    @discardableResult
    func create(_ name: StreamName, lease: Int? = nil, expiry: StreamOptions.Expiry? = nil) async throws -> StreamInfo {
        let options = StreamOptions(expiry: expiry, leaseSeconds: lease)
        guard case .created(let info) = try await streams.create(name, CreateRequest(options: options)) else {
            throw UnexpectedOutcome("\(name) was there")
        }
        return info
    }

    @discardableResult
    func append(_ name: StreamName, _ text: String) async throws -> AppendOutcome {
        try await streams.append(name, AppendRequest(events: [EventBody(text)]))
    }

    func cancel(_ name: StreamName) async throws -> AppendOutcome {
        try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
    }

    /// Time passes and what became due is done. The end, if there is one now.
    @discardableResult
    func pass(_ seconds: Int, _ name: StreamName) async throws -> StreamEnd? {
        time.advance(by: .seconds(seconds))
        try await streams.sweep()
        return try await store.base.info(name)?.end
    }

    func exists(_ name: StreamName) async throws -> Bool { try await store.base.info(name) != nil }
}
