import CSQLite
import DequeModule
import Locks
import StreamCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One transaction: what was decided, and a bounded piece of upkeep with it.
@available(freshet 0.1, *)
extension Writer {
    func commit(_ batch: Batch) {
        let started = SystemTime().monotonic()
        var upkeep = started >= upkeepRestsUntil ? planUpkeep(batch, sealing: started >= sealingRestsUntil) : Upkeep()
        if batch.isEmpty && upkeep.isEmpty {
            // Nothing is written for what is there already, and it is acknowledged all the same.
            if !batch.replies.isEmpty, let loss = findLoss() {
                batch.discard()
                for reply in batch.replies { reply.fail(.unavailable(loss)) }
                return
            }
            publish(batch, upkeep)
            vacuumWhenDue(started)
            return
        }
        var outcome = write(batch, upkeep)
        if case .failure = outcome, !upkeep.isEmpty, failure == nil {
            // Upkeep must not stand in the way of what was asked: it rests a second. Sealing, which takes room, must
            // not stand in the way of deleting either, which makes room.
            if upkeep.seals.isEmpty {
                upkeepRestsUntil = started + .seconds(1)
            } else {
                sealingRestsUntil = started + .seconds(1)
            }
            abandon(upkeep)
            upkeep = Upkeep()
            outcome = batch.isEmpty ? .success(head) : write(batch, upkeep)
        }
        switch outcome {
        case .success(let head):
            let isMoreWaiting = !shared.queue.isEmpty
            take(head, batch, upkeep)
            window.committed(in: SystemTime().monotonic() - started, moreWaiting: isMoreWaiting)
            if logSize.pages > configuration.logPages { _ = try? database.checkpoint() }
            vacuumWhenDue(started)
        case .failure(let error):
            batch.discard()
            if case .full = error { makeRoom() }
            let unconfirmed = refusalToConfirm(beside: error)
            for reply in batch.replies {
                if case .confirmation = reply {
                    if let unconfirmed { reply.fail(unconfirmed) } else { reply.succeed() }
                } else {
                    reply.fail(error)
                }
            }
        }
    }

    /// Why what was kept before is not confirmed, when something else was not kept: a full disk takes away nothing.
    private func refusalToConfirm(beside error: StoreError) -> StoreError? {
        guard case .full = error else { return error }
        if let loss = findLoss() { return .unavailable(loss) }
        return failure
    }

    /// Deletes what may go, apart from anything that is asked. Those who try again and again on a full disk would
    /// else keep it full: each of their commits fails, and the deleting that rides in it with them.
    private func makeRoom() {
        guard failure == nil else { return }
        let batch = newBatch()
        let upkeep = planUpkeep(batch, sealing: false)
        guard !upkeep.isEmpty else { return }
        switch write(batch, upkeep) {
        case .success(let head): take(head, batch, upkeep)
        case .failure:
            abandon(upkeep)
            upkeepRestsUntil = SystemTime().monotonic() + .seconds(1)
        }
    }

    /// What was written is true from now on, here and for everybody who reads.
    private func take(_ head: HeadRow, _ batch: Batch, _ upkeep: Upkeep) {
        self.head = head
        keep(batch, upkeep)
        publish(batch, upkeep)
        shared.checkpointer.noteCommit()
    }

    /// Writes and syncs. The new head when it was kept.
    private func write(_ batch: Batch, _ upkeep: Upkeep) -> Result<HeadRow, StoreError> {
        if let loss = findLoss() { return .failure(.unavailable(loss)) }
        var next = head
        next.nextStream = batch.nextStream
        do throws(SQLiteError) {
            // The mark is on the disk before an offset behind it can be.
            let highest = issuer.highest.milliseconds
            if highest >= mark.value { try mark.write(highest + OffsetMark.ahead) }
        } catch {
            if error.isDiskFull { return .failure(.full(.disk)) }
            return .failure(
                .unavailable("The offset mark cannot be kept, while \(error.action): \(error.description).")
            )
        }
        next.mark = mark.value
        next.clock = batch.now
        next.wall = time.wallMilliseconds()
        do throws(SQLiteError) {
            try statements.begin.run()
            // Before anything is deleted: a copy may be made of chunks that are about to be.
            for (stream, copy) in batch.copies { try write(copy, to: stream.row.number) }
            // The same holds for what somebody is told of a stream that goes.
            try writeOutbox(batch, &next)
            // What is deleted makes room for what is added.
            for collection in upkeep.collections {
                let keys = collection.keys
                statements.deleteChunks.bind(1, keys.lowerBound)
                statements.deleteChunks.bind(2, keys.upperBound - 1)
                try statements.deleteChunks.run()
            }
            if upkeep.hotRows > 0 {
                let last = next.firstHot + Int64(upkeep.hotRows) - 1
                statements.deleteHot.bind(1, next.firstHot)
                statements.deleteHot.bind(2, last)
                try statements.deleteHot.run()
                next.firstHot = last + 1
            }
            if !batch.hot.isEmpty {
                next.lastHot += 1
                let bytes = batch.hot.finished(key: next.lastHot)
                try put(statements.addHot, next.lastHot, bytes)
            }
            for seal in upkeep.seals {
                for (key, chunk) in seal.chunks { try statements.add(chunk, key: key) }
            }
            for stream in batch.touched + upkeep.touched {
                try putRow(of: stream, &next)
            }
            try put(statements.putHead, HeadRow.key, next.encoded)
        } catch {
            try? statements.rollback.run()
            return .failure(error.storeError)
        }
        let began = SystemTime().monotonic()
        do throws(SQLiteError) {
            try statements.commit.run()
            let took = SystemTime().monotonic() - began
            shared.syncTimes.withLock { $0.add(took) }
        } catch {
            if sqlite3_get_autocommit(database.handle) == 0 { try? statements.rollback.run() }
            if error.isDiskFull { return .failure(.full(.disk)) }
            // A sync that failed may have kept anything, and a second one proves nothing: the kernel has dropped what
            // it could not write. Only what is found by opening the database again is true.
            let text = "The disk failed in the middle of a commit (\(error.description)). The server must be restarted."
            fail(text)
            return .failure(.outcomeUnknown(text))
        }
        // What was synced to a file without a name is not kept; one with its name may be found again.
        if let loss = findLoss() { return .failure(.outcomeUnknown(loss)) }
        return .success(next)
    }

    private func put(_ statement: Statement, _ key: Int64, _ bytes: [UInt8]) throws(SQLiteError) {
        statement.bind(1, key)
        statement.bind(2, bytes)
        try statement.run()
    }

    private func putRow(of stream: WriterStream, _ head: inout HeadRow) throws(SQLiteError) {
        guard let row = stream.nextRow else { return }
        if let old = stream.rowSum {
            head.streamSum &-= UInt64(old)
            head.streams -= 1
        }
        // A removed stream's row stays until its last chunk is gone, so that they are found after a crash.
        // One with forks stays as long as they do.
        if row.isRemoved, !row.isTombstone, row.lowestChunk == row.nextChunk {
            stream.nextRowSum = nil
            guard stream.rowSum != nil else { return }
            statements.deleteStream.bind(1, row.number)
            try statements.deleteStream.run()
            return
        }
        let bytes = row.encoded
        let sum = Checksum.carried(by: bytes)
        head.streamSum &+= UInt64(sum)
        head.streams += 1
        stream.nextRowSum = sum
        try put(statements.putStream, row.number, bytes)
    }

    /// Takes the commit into the writer's own state.
    private func keep(_ batch: Batch, _ upkeep: Upkeep) {
        let hot = head.lastHot
        if !batch.hot.isEmpty {
            hotRows.append(HotUse(id: hot, uses: 0, bytes: batch.hot.count))
            hotBytes += batch.hot.count
        }
        for stream in batch.touched + upkeep.touched {
            if let row = stream.nextRow {
                stream.row = row
                stream.rowSum = stream.nextRowSum
            }
            if let log = stream.nextLog { stream.log = log }
            stream.nextRow = nil
            stream.nextLog = nil
            stream.nextRowSum = nil
            unwritten[stream.row.number] = nil
        }
        finish(upkeep)
        streams.reserveCapacity(batch.streams)
        for (name, stream) in batch.names { streams[name] = stream }
        for (name, stream) in batch.tombstones { tombstones[name] = stream }
        for (name, change) in batch.forks {
            let count = forks[name, default: 0] + change
            forks[name] = count == 0 ? nil : count
        }
        bytes = batch.bytes
        keepOutbox()
        for effect in batch.effects {
            switch effect {
            case .committed(let stream, let item) where !stream.row.isRemoved:
                let uses = stream.hotRows.last == hot ? 0 : 1
                stream.keep(item.events, at: batch.now, hot: hot)
                hotRows[hotRows.count - 1].uses += uses
                queueToSeal(stream)
            case .created(let stream) where stream.row.options.retention.seconds != nil:
                aged[stream.row.number] = stream
            case .removed(let stream, _):
                forget(stream)
            default: break
            }
        }
        shared.agedStreams.withLock { [count = aged.count] in $0 = count }
        count(batch, upkeep)
    }

    private func forget(_ stream: WriterStream) {
        releaseHotRows(of: stream, through: .max)
        stream.unsealed = EventLog()
        stream.unsealedSince = nil
        aged[stream.row.number] = nil
        if stream.row.lowestChunk < stream.row.nextChunk { addGarbage(stream) }
    }

    private func count(_ batch: Batch, _ upkeep: Upkeep) {
        shared.counters.withLock { counters in
            if batch.isEmpty { counters.upkeepCommits += 1 } else { counters.commits += 1 }
            counters.requests += batch.replies.count
            counters.events += batch.events
            counters.chunksSealed += upkeep.seals.reduce(0) { $0 + $1.chunks.count }
            counters.chunksDeleted += upkeep.collections.reduce(0) { $0 + $1.chunks.count }
            counters.hotRows = hotRows.count
            counters.usage = StoreUsage(streams: streams.count, bytes: bytes)
        }
    }

    /// Tells readers and watchers, and then those who asked.
    private func publish(_ batch: Batch, _ upkeep: Upkeep) {
        let candidates = batch.retained + (batch.trimsByAge ? Array(aged.values) : [])
        let trimmed = candidates.filter { !$0.row.isRemoved && trim($0) }
        var woken: [any StreamWatcher] = []
        if !batch.effects.isEmpty || !trimmed.isEmpty || !upkeep.seals.isEmpty {
            visible.state.withLock { state in
                for effect in batch.effects { Self.apply(effect, &state, &woken) }
                for seal in upkeep.seals { Self.follow(seal.stream, &state) }
                for stream in trimmed {
                    Self.follow(stream, &state)
                    Self.tell(.trimmed(floor: stream.row.floor), stream.row.name, &state, &woken)
                }
            }
        }
        for watcher in woken { watcher.wake() }
        tellOutbox()
        for reply in batch.replies { reply.succeed() }
    }

    private static func apply(
        _ effect: Batch.Effect,
        _ state: inout VisibleStreams.State,
        _ woken: inout [any StreamWatcher]
    ) {
        switch effect {
        case .created(let stream):
            state.streams[stream.row.name] = VisibleStream(stream)
            state.names.insert(stream.row.name)
            tell(.created, stream.row.name, &state, &woken)
        case .committed(let stream, let item):
            if let index = state.streams.index(forKey: stream.row.name) {
                state.streams.values[index].append(item.events)
                state.streams.values[index].follow(stream)
            }
            tell(.committed(item), stream.row.name, &state, &woken)
        case .changed(let stream): follow(stream, &state)
        case .removed(let stream, let removal):
            state.streams[stream.row.name] = nil
            state.names.remove(stream.row.name)
            if stream.row.isTombstone { state.tombstones.insert(stream.row.name) }
            tell(.removed(removal), stream.row.name, &state, &woken)
        case .released(let name): state.tombstones.remove(name)
        }
    }

    private static func follow(_ stream: WriterStream, _ state: inout VisibleStreams.State) {
        guard let index = state.streams.index(forKey: stream.row.name),
            state.streams.values[index].state.number == stream.row.number
        else { return }
        state.streams.values[index].follow(stream)
    }

    private static func tell(
        _ signal: StreamSignal,
        _ name: StreamName,
        _ state: inout VisibleStreams.State,
        _ woken: inout [any StreamWatcher]
    ) {
        guard let watchers = state.watchers[name]?.values else { return }
        for watcher in watchers {
            watcher.signal(signal)
            woken.append(watcher)
        }
    }

    /// Sleeps for the group's window.
    static func pause(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        nanosleep(&time, nil)
    }
}
