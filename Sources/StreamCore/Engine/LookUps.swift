/// Learns of streams that somebody is attached to here, of a store that nodes share: another may have made them, taken
/// them away, or made them anew. So the store is told how long they are used.
@available(freshet 0.1, *)
final class LookUps: Sendable {
    private let store: any SharedStreamStore
    private let lifetimes: LifetimeTable

    init(store: any SharedStreamStore, lifetimes: LifetimeTable) {
        self.store = store
        self.lifetimes = lifetimes
    }

    /// Asks the store about a stream, where somebody is attached to it, and tells it so.
    func lookUp(_ name: StreamName) {
        var mustAsk = false
        lifetimes.updateIfPresent(name) { lifetime, _ in
            mustAsk = !lifetime.isBeingLookedUp
            if mustAsk { lifetime.isBeingLookedUp = true } else { lifetime.looksAgain = true }
        }
        guard mustAsk else { return }
        Task {
            repeat {
                await ask(name)
                tell(name)
            } while mustAskAgain(name)
        }
    }

    private func ask(_ name: StreamName) async {
        do throws(StoreError) {
            if let info = try await store.info(name) {
                lifetimes.know(KeptStream(info: info, idle: .zero, hadOpenProducer: false))
            } else {
                lifetimes.updateIfPresent(name) { lifetime, _ in (lifetime.exists, lifetime.birth) = (false, nil) }
            }
        } catch {
            // Whoever reads next asks again.
        }
    }

    private func mustAskAgain(_ name: StreamName) -> Bool {
        var again = false
        lifetimes.updateIfPresent(name) { lifetime, _ in
            again = lifetime.looksAgain
            lifetime.looksAgain = false
            lifetime.isBeingLookedUp = again
        }
        return again
    }

    /// Tells the store of a use, where that is due.
    func tell(_ name: StreamName) {
        guard lifetimes.due(name) == .tell else { return }
        var expiresAtMoment = false
        lifetimes.updateIfPresent(name) { lifetime, now in
            lifetime.timeToLive.told = now
            expiresAtMoment = lifetime.timeToLive.expiresAt != nil
        }
        if expiresAtMoment { store.hold(name, for: TimeToLive.holding) } else { store.touch(name) }
    }
}
