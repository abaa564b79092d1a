/// Waits, at most two minutes, until something is so.
func until(_ isTrue: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while try await !isTrue() {
        guard ContinuousClock.now < deadline else { throw Unexpected(description: "never") }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// What a test cannot go on with.
struct Unexpected: Error, CustomStringConvertible {
    var description: String
}
