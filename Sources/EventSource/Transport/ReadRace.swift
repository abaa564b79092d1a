/// Reading, beside what may end it early.
@available(freshet 0.1, *)
package enum ReadRace {
    /// Lends a state to a task that reads, until that has decided something or one of `limits` returns: then all are
    /// cancelled. The state comes back as the reading task left it, whoever was first.
    ///
    /// - Returns: What was decided; nil when a limit came first, or the caller was cancelled.
    package static func run<State: Sendable, Decision: Sendable>(
        _ state: inout State,
        until limits: [@Sendable () async -> Void],
        _ read: @escaping @Sendable (inout State) async -> Decision?
    ) async -> Decision? {
        let before = state
        let (after, decided) = await withTaskGroup(of: (State, Decision?)?.self) { group in
            group.addTask {
                var state = before
                let decision = await read(&state)
                return (state, decision)
            }
            for limit in limits {
                group.addTask {
                    await limit()
                    return nil
                }
            }
            var result: (State, Decision?)?
            for await finished in group {
                group.cancelAll()
                if let finished { result = finished }
            }
            return result ?? (before, nil)
        }
        state = after
        return decided
    }
}
