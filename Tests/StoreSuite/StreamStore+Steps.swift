package import StreamCore
import Testing

/// The steps that checks are made of, short to write.
@available(freshet 0.1, *)
extension StreamStore {
    package func put(_ name: StreamName, _ options: StreamOptions = StreamOptions()) async throws -> StreamInfo {
        guard case .created(let info) = try await create(name, CreateRequest(options: options)) else {
            throw UnexpectedOutcome("\(name) was there")
        }
        return info
    }

    /// Appends events of these texts and returns the tail.
    @discardableResult
    package func add(_ name: StreamName, _ texts: String..., end: EndRequest? = nil) async throws -> Offset {
        let outcome = try await append(name, AppendRequest(events: EventBatch(texts.map(EventBody.init)), end: end))
        guard case .appended(let tail, _, _) = outcome else { throw UnexpectedOutcome("\(outcome)") }
        return tail
    }

    /// What an append that is begun without a task comes to.
    package func begin(_ name: StreamName, _ request: AppendRequest) async throws -> AppendOutcome {
        let result: Result<AppendOutcome, StoreError>? = await withCheckedContinuation { continuation in
            switch beginAppend(name, request, told: { continuation.resume(returning: $0) }) {
            case .over(let result): continuation.resume(returning: result)
            case .notBegun: continuation.resume(returning: nil)
            case .waiting: break
            }
        }
        guard let result else { throw UnexpectedOutcome("this store begins no append") }
        return try result.get()
    }

    /// What follows a position: all of it, where a test does not ask for less.
    package func page(
        _ name: StreamName,
        from position: ReadPosition = .start,
        limit: PageLimit = PageLimit(bytes: 1 << 20)
    ) async throws -> Page {
        try #require(try await read(name, from: position, limit: limit))
    }

    package func texts(_ name: StreamName, from position: ReadPosition = .start) async throws -> [String] {
        try await page(name, from: position).texts
    }
}

@available(freshet 0.1, *)
extension SharedStreamStore {
    package func holding(of name: StreamName) async throws -> StreamHolding? {
        let holdings = try await holdings(of: [name])
        return holdings[0]
    }
}

@available(freshet 0.1, *)
extension Page {
    package var texts: [String] { events.map(\.text) }
    package var offsets: [Offset] { events.map(\.offset) }
}

@available(freshet 0.1, *)
extension StreamEvent {
    package var text: String { String(decoding: body.data, as: UTF8.self) }
}

@available(freshet 0.1, *)
extension EventBody {
    package init(_ text: String) {
        self.init(data: Array(text.utf8))
    }
}

@available(freshet 0.1, *)
extension StreamName {
    /// A name known to be one.
    package static func known(_ text: String) -> StreamName {
        guard let name = try? StreamName(text) else { preconditionFailure("\(text) cannot name a stream") }
        return name
    }
}

/// A step of a check came out differently.
@available(freshet 0.1, *)
package struct UnexpectedOutcome: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
