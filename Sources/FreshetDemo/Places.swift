import Locks

/// How many answers of the demonstration may be written at the same time: whoever asks for one more is told to wait.
@available(freshet 0.1, *)
final class Places: Sendable {
    private let limit: Int
    private let taken = Mutex(0)

    init(_ limit: Int) {
        self.limit = limit
    }

    /// Runs something that needs a place; false when there is none.
    func hold(_ body: () async throws -> Void) async rethrows -> Bool {
        guard take() else { return false }
        defer { free() }
        try await body()
        return true
    }

    /// Takes a place until `free()`; false when there is none.
    func take() -> Bool {
        taken.withLock { taken in
            guard taken < limit else { return false }
            taken += 1
            return true
        }
    }

    func free() { taken.withLock { $0 -= 1 } }
}
