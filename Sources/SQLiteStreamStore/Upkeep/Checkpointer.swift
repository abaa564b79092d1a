import Locks

/// Copies the write-ahead log into the database while the writer goes on, over a connection and a thread of its own.
@available(freshet 0.1, *)
final class Checkpointer: Sendable {
    private enum Message: Sendable {
        case committed
        case stop(Reply<Void>?)
    }

    private let queue = WorkQueue<Message>()
    private let isNoted = Mutex(false)

    /// Something was committed: there will be something to copy.
    func noteCommit() {
        let isFirst = isNoted.withLock { noted in
            defer { noted = true }
            return !noted
        }
        if isFirst { _ = queue.push(.committed) }
    }

    func stop(_ reply: Reply<Void>?) {
        if !queue.push(.stop(reply)) { reply?.send(.success(())) }
    }

    func start(_ database: sending Database, interval: Duration) {
        WorkerThread.start {
            var stopping: [Reply<Void>?] = []
            while stopping.isEmpty {
                for message in self.queue.takeAll(waiting: .seconds(3600)) {
                    if case .stop(let reply) = message { stopping.append(reply) }
                }
                guard stopping.isEmpty else { break }
                for message in self.queue.takeAll(waiting: interval) {
                    if case .stop(let reply) = message { stopping.append(reply) }
                }
                self.isNoted.withLock { $0 = false }
                // One that fails, on a full disk for instance, is tried again after the next commit.
                _ = try? database.checkpoint()
            }
            _ = self.queue.close()
            database.close()
            for reply in stopping { reply?.send(.success(())) }
        }
    }
}
