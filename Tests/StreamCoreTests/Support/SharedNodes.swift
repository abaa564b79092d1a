import Locks
import StoreSuite
import StreamCore
import Testing

/// Two nodes on one store, and a clock that a test moves.
struct SharedNodes {
    struct Node: Sendable {
        let store: SharedMemoryNode
        let streams: Streams

        @discardableResult
        func create(
            _ name: StreamName,
            lease: Int? = nil,
            expiry: StreamOptions.Expiry? = nil
        ) async throws -> StreamInfo {
            let options = StreamOptions(expiry: expiry, leaseSeconds: lease)
            guard case .created(let info) = try await streams.create(name, CreateRequest(options: options)) else {
                throw UnexpectedOutcome("\(name) was there")
            }
            return info
        }

        func open(
            _ name: StreamName,
            creating: Bool = false,
            _ label: String? = nil
        ) async throws -> (StreamingProducer, StreamingProducerTests.Stops) {
            if creating { try await create(name) }
            let stops = StreamingProducerTests.Stops()
            return (try #require(try await streams.openProducer(name, label: label) { stops.add($0) }), stops)
        }

        func cancel(_ name: StreamName) async throws -> AppendOutcome {
            try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
        }
    }

    let time: ManualTime
    let memory: SharedMemory
    let one: Node
    let two: Node

    init(configuration: StreamsConfiguration = StreamsConfiguration()) {
        let time = ManualTime()
        let memory = SharedMemory(time: time)
        func node() -> Node {
            let store = memory.node()
            return Node(store: store, streams: Streams(store: store, configuration: configuration, time: time))
        }
        self.time = time
        self.memory = memory
        one = node()
        two = node()
    }

    /// Time passes, in steps that are short enough for each node to do its part.
    func pass(_ seconds: Int) async throws {
        for _ in 0..<seconds {
            time.advance(by: .seconds(1))
            for node in [one, two] { try await node.streams.sweep() }
        }
    }
}
