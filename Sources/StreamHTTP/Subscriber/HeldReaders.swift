import Locks
package import StreamCore

/// How many readers wait for streams that do not exist yet, on all loops: bounded in names and in readers.
@available(freshet 0.1, *)
package final class HeldReaders: Sendable {
    private let counts = Mutex<(names: [StreamName: Int], readers: Int)>(([:], 0))
    private let names: Int
    private let readers: Int

    package init(names: Int, readers: Int) {
        self.names = names
        self.readers = readers
    }

    /// False when one more would be too many.
    package func take(_ name: StreamName) -> Bool {
        counts.withLock { counts in
            guard counts.readers < readers, counts.names[name] != nil || counts.names.count < names else {
                return false
            }
            counts.names[name, default: 0] += 1
            counts.readers += 1
            return true
        }
    }

    package func give(back name: StreamName) {
        counts.withLock { counts in
            guard let count = counts.names[name] else { return }
            counts.names[name] = count > 1 ? count - 1 : nil
            counts.readers -= 1
        }
    }
}
