import StreamCore
import Testing

/// One thing every store must do. A test target runs them all as the arguments of one test.
@available(freshet 0.1, *)
package struct StoreCheck: Sendable, CustomTestStringConvertible {
    package let name: String
    private let body: @Sendable (Bench) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (Bench) async throws -> Void) {
        self.name = name
        self.body = body
    }

    package var testDescription: String { name }

    package func run(on harness: any StoreUnderTest) async throws {
        try await body(Bench(harness: harness))
    }

    package static let all: [StoreCheck] = withoutOutbox + outboxes

    /// For a store that nodes share and that has no outbox.
    package static let ofShared: [StoreCheck] = withoutOutbox + forks + claims

    /// For one that has.
    package static let ofSharedWithOutbox: [StoreCheck] = ofShared + outboxes

    private static let withoutOutbox: [StoreCheck] =
        creation + offsets + pages + appends + producers + retention + limits + removal + lists + watches + restarts

    /// What a check works with.
    struct Bench: Sendable {
        let harness: any StoreUnderTest
        let time = ManualTime()

        func store(_ limits: StoreLimits = StoreLimits()) async throws -> any StreamStore {
            try await harness.make(limits: limits, time: time)
        }

        /// Two nodes on one store.
        func nodes() async throws -> (any SharedStreamStore, any SharedStreamStore) {
            let first = try await harness.make(limits: StoreLimits(), time: time)
            return (try #require(first as? any SharedStreamStore), try #require(try await harness.another()))
        }

        /// A store that notes what ends below `told/`, for somebody.
        func outbox(
            contentBytes: Int = 1 << 20,
            backlogBytes: Int = 1 << 20,
            limits: StoreLimits = StoreLimits()
        ) async throws -> any StreamStore & Outbox {
            let receiver = OutboxRules.Receiver(name: "app", prefixes: ["told/"])
            let rules = OutboxRules(receivers: [receiver], contentBytes: contentBytes, backlogBytes: backlogBytes)
            let store = try await harness.make(limits: limits, time: time, outbox: rules)
            return try #require(store as? any StreamStore & Outbox)
        }
    }
}
