import StreamCore

/// A thread that reads chunks, so that no task waits for the disk.
@available(freshet 0.1, *)
final class ReaderThread: Sendable {
    private enum Job: Sendable {
        case read(ChunkRead, Reply<ChunkContents>)
        case stop(Reply<Void>?)
    }

    private let queue = WorkQueue<Job>()

    init(_ database: sending Database, cacheBytes: Int) {
        let queue = queue
        WorkerThread.start {
            var stopping: [Reply<Void>?] = []
            do {
                let reader = Result { () throws(SQLiteError) in try ChunkReader(database, cacheBytes: cacheBytes) }
                while stopping.isEmpty {
                    for job in queue.takeAll(waiting: .seconds(3600)) {
                        switch job {
                        case .read(let read, let reply): reply.send(Self.read(read, reader))
                        case .stop(let reply): stopping.append(reply)
                        }
                    }
                }
            }
            for job in queue.close() {
                switch job {
                case .read(_, let reply): reply.send(.failure(.unavailable("The store is closed.")))
                case .stop(let reply): stopping.append(reply)
                }
            }
            database.close()
            for reply in stopping { reply?.send(.success(())) }
        }
    }

    private static func read(
        _ read: ChunkRead,
        _ reader: Result<ChunkReader, SQLiteError>
    ) -> Result<ChunkContents, StoreError> {
        do throws(SQLiteError) {
            let reader = try reader.get()
            return Result { () throws(StoreError) in try reader.read(read) }
        } catch {
            return .failure(error.storeError)
        }
    }

    func read(_ read: ChunkRead) async throws(StoreError) -> ChunkContents {
        try await withCheckedContinuation { continuation in
            let reply = Reply<ChunkContents>(continuation: continuation)
            if !queue.push(.read(read, reply)) { reply.send(.failure(.unavailable("The store is closed."))) }
        }.get()
    }

    func stop(_ reply: Reply<Void>?) {
        if !queue.push(.stop(reply)) { reply?.send(.success(())) }
    }
}
