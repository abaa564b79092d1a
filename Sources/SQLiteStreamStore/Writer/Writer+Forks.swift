import StreamCore

/// Forks. A fork has its own copy of what it shares with its source: nothing that happens to either, not even damage,
/// then concerns the other, and retention and deletion know of no forks. What it costs is time in the one transaction
/// that makes the fork (`docs/performance.md`).
@available(freshet 0.1, *)
extension Writer {
    /// How many forks a stream has.
    func countForks(of name: StreamName, _ batch: Batch) -> Int {
        forks[name, default: 0] + batch.forks[name, default: 0]
    }

    func findTombstone(_ name: StreamName, _ batch: Batch) -> WriterStream? {
        if let changed = batch.tombstones[name] { return changed }
        return tombstones[name]
    }

    /// A fork is gone. A source that was only kept for it goes too, and then perhaps the source of that.
    func release(_ origin: ForkOrigin?, _ batch: inout Batch) {
        var next = origin
        while let name = next?.source {
            next = nil
            batch.forks[name, default: 0] -= 1
            guard countForks(of: name, batch) == 0, let tombstone = findTombstone(name, batch) else { return }
            batch.withRow(tombstone) { $0.isTombstone = false }
            batch.tombstones[name] = .some(nil)
            batch.effects.append(.released(name))
            next = tombstone.row.forkedFrom
        }
    }

    /// What a fork takes from its source, as that is committed; the row of the new stream is made the fork's.
    func fork(
        _ request: ForkRequest,
        _ row: inout StreamRow,
        _ batch: Batch
    ) throws(StoreError) -> Result<ForkCopy, ForkFailure> {
        guard let source = find(request.source, batch) else {
            let isGone = findTombstone(request.source, batch) != nil
            return .failure(ForkFailure(isGone ? .sourceGone : .sourceNotFound))
        }
        let standing = ForkStanding(
            options: source.row.options,
            floor: source.row.floor,
            tail: source.log.tail,
            end: source.log.end
        )
        row.options = standing.options(row.options, for: request)
        if let refusal = standing.refusal(of: request, with: row.options) {
            return .failure(ForkFailure(refusal))
        }
        let log = SourceLog(source, statements)
        do throws(SQLiteError) {
            let (place, point) = try log.locate(request.point)
            if let refusal = standing.refusal(of: request, at: place) { return .failure(ForkFailure(refusal)) }
            guard let (through, part) = try log.cut(after: point, request.beyond) else {
                return .failure(ForkFailure(.badSubOffset))
            }
            let share = try log.share(through: through, chunkBytes: configuration.chunkBytes)
            row.origin = source.row.origin
            row.forkedFrom = standing.origin(of: request)
            row.floor = source.row.floor
            row.sealed = LogState(tail: through)
            row.sealed.appendedEvents = share.events
            row.sealed.appendedBytes = share.bytes
            row.nextChunk = Int64(share.chunks.count + share.rest.count)
            return .success(ForkCopy(source: source, chunks: share.chunks, rest: share.rest, part: part))
        } catch {
            throw error.storeError
        }
    }

    /// Writes a fork's copy, under the keys of its own stream.
    func write(_ copy: ForkCopy, to stream: Int64) throws(SQLiteError) {
        var next: Int64 = 0
        for chunk in copy.chunks {
            try statements.copyChunk(chunk, of: copy.source, to: Schema.chunkKey(stream, next))
            next += 1
        }
        for chunk in copy.rest {
            try statements.add(chunk, key: Schema.chunkKey(stream, next))
            next += 1
        }
    }
}
