import DequeModule
import Locks
import StreamCore

/// Sealing, deleting, and giving space back.
@available(freshet 0.1, *)
extension Writer {
    var isHotOverBound: Bool { hotBytes > configuration.hotBytes && !sealByAge.isEmpty }

    var hasUpkeep: Bool {
        hasDeletions || !sealReady.isEmpty || isHotOverBound || untilNextSeal.map { $0 <= 0 } ?? false
    }

    var hasDeletions: Bool { !garbage.isEmpty || !unwritten.isEmpty || hotRows.first?.uses == 0 }

    /// Milliseconds until the oldest unsealed events are to be sealed.
    var untilNextSeal: Int64? {
        sealByAge.first.map { $0.since + Int64(configuration.sealAfter / .milliseconds(1)) - clock.now }
    }

    /// Notes that a stream has events to be sealed.
    func queueToSeal(_ stream: WriterStream) {
        guard let since = stream.unsealedSince else { return }
        if stream.agingSince != since {
            stream.agingSince = since
            sealByAge.append(AgingStream(stream: stream, since: since))
        }
        let isDue = stream.unsealed.size >= configuration.chunkBytes || stream.log.end != nil
        if isDue, !stream.isQueuedToSeal {
            stream.isQueuedToSeal = true
            sealReady.append(stream)
        }
    }

    func addGarbage(_ stream: WriterStream) {
        guard !stream.isQueuedAsGarbage else { return }
        stream.isQueuedAsGarbage = true
        garbage.append(stream)
    }

    func planUpkeep(_ batch: Batch, sealing: Bool) -> Upkeep {
        var upkeep = Upkeep()
        // What one commit adds, one commit must be able to seal, or the hot rows would grow for ever.
        var chunks = configuration.chunksPerCommit + 2 * batch.hot.count / configuration.chunkBytes
        while sealing, chunks > 0, let stream = nextToSeal() {
            let seal = plan(stream)
            upkeep.seals.append(seal)
            chunks -= max(1, seal.chunks.count)
            let last = seal.chunks.last
            upkeep.withRow(stream) { row in
                row.sealed = stream.log
                row.sealedHot = head.lastHot
                if let last { row.nextChunk = (last.key & (Schema.chunksPerStream - 1)) + 1 }
            }
        }
        for stream in unwritten.values.prefix(64) { upkeep.withRow(stream) { _ in } }
        planCollections(&upkeep)
        upkeep.hotRows = hotRows.prefix(16).prefix { $0.uses == 0 }.count
        return upkeep
    }

    private func nextToSeal() -> WriterStream? {
        while let stream = sealReady.popFirst() {
            stream.isQueuedToSeal = false
            if isSealable(stream) { return stream }
        }
        while let first = sealByAge.first {
            let isVoid = first.stream.unsealedSince != first.since || !isSealable(first.stream)
            guard isVoid || isHotOverBound || (untilNextSeal ?? 1) <= 0 else { return nil }
            sealByAge.removeFirst()
            // What is appended in this same millisecond needs an entry of its own.
            if first.stream.agingSince == first.since { first.stream.agingSince = nil }
            if !isVoid { return first.stream }
        }
        return nil
    }

    private func isSealable(_ stream: WriterStream) -> Bool {
        stream.unsealedSince != nil && !stream.currentRow.isRemoved && !stream.isBeingSealed
    }

    private func plan(_ stream: WriterStream) -> Upkeep.Seal {
        stream.isBeingSealed = true
        let previous = max(stream.row.sealed.tail, stream.row.floor)
        let first = stream.currentRow.nextChunk
        let chunks = ChunkRow.cutting(stream.unsealed, after: previous, bytes: configuration.chunkBytes).enumerated()
            .map { (key: Schema.chunkKey(stream.row.number, first + Int64($0.offset)), row: $0.element) }
        return Upkeep.Seal(stream: stream, chunks: chunks)
    }

    private func planCollections(_ upkeep: inout Upkeep) {
        var rest: Int64 = 64
        for stream in garbage {
            let row = stream.currentRow
            let count = min(rest, row.firstChunk - row.lowestChunk)
            let chunks = row.lowestChunk..<row.lowestChunk + count
            upkeep.collections.append(Upkeep.Collection(stream: stream, chunks: chunks))
            upkeep.withRow(stream) { $0.lowestChunk += count }
            rest -= count
            if rest <= 0 { return }
        }
    }

    /// Upkeep was not kept: what it would have done is to be done.
    func abandon(_ upkeep: Upkeep) {
        upkeep.discard()
        for seal in upkeep.seals {
            seal.stream.isBeingSealed = false
            guard !seal.stream.isQueuedToSeal else { continue }
            seal.stream.isQueuedToSeal = true
            sealReady.append(seal.stream)
        }
    }

    /// Takes upkeep that was kept into the writer's own state, before what was appended with it.
    func finish(_ upkeep: Upkeep) {
        for seal in upkeep.seals {
            let stream = seal.stream
            stream.isBeingSealed = false
            if let last = seal.chunks.last { stream.unsealed.remove(through: last.row.last) }
            stream.unsealedSince = nil
            releaseHotRows(of: stream, through: stream.row.sealedHot)
        }
        while let stream = garbage.first, stream.row.lowestChunk >= stream.row.firstChunk {
            stream.isQueuedAsGarbage = false
            garbage.removeFirst()
        }
        for _ in 0..<upkeep.hotRows { hotBytes -= hotRows.removeFirst().bytes }
        if !upkeep.collections.isEmpty || upkeep.hotRows > 0 { mayShrink = true }
    }

    func releaseHotRows(of stream: WriterStream, through last: Int64) {
        while let id = stream.hotRows.first, id <= last {
            stream.hotRows.removeFirst()
            guard let first = hotRows.first?.id else { continue }
            hotRows[Int(id - first)].uses -= 1
        }
    }

    /// Gives free pages back to the file system, some at a time, when there are many.
    func vacuumWhenDue(_ now: Duration) {
        guard mayShrink, now >= max(vacuumAt, upkeepRestsUntil) else { return }
        vacuumAt = now + .milliseconds(100)
        do {
            let free = try database.integer("PRAGMA freelist_count")
            let pages = try database.integer("PRAGMA page_count")
            // Some free pages are what the next events are written to.
            guard free > (isShortOfRoom ? 0 : max(256, pages / 8)) else {
                mayShrink = false
                return
            }
            try database.execute("PRAGMA incremental_vacuum(256)")
            shared.checkpointer.noteCommit()
            shared.counters.withLock { $0.freedPages += 256 }
        } catch {
            upkeepRestsUntil = now + .seconds(1)
        }
    }
}
