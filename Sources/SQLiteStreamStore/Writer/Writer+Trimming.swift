import StreamCore

/// Retention: exact in what readers see, chunk by chunk in what is deleted.
@available(freshet 0.1, *)
extension Writer {
    /// Moves a stream's floor over what retention no longer keeps. True when it moved.
    ///
    /// The floor is not a commit of its own: what follows from the log is worked out again after a restart, and what
    /// follows from the clock as well, since the store's clock never steps back.
    func trim(_ stream: WriterStream) -> Bool {
        let rule = stream.row.options.retention
        let now = clock.now
        let before = stream.cost
        let floor = stream.row.floor
        while true {
            let kept = stream.log.appendedEvents - stream.row.trimmedEvents
            let size = stream.log.appendedBytes - stream.row.trimmedBytes
            guard kept > 0 else { break }
            let isOver = rule.events.map { kept > $0 } ?? false || rule.bytes.map { size > $0 } ?? false
            guard isOver || rule.seconds != nil else { break }
            // A chunk that cannot be read is kept: whoever reads it is told what is the matter.
            guard let first = oldest(stream) else { break }
            guard isOver || rule.seconds.map({ (now - first.at) / 1000 >= Int64($0) }) ?? false else { break }
            dropOldest(stream, first.offset, size: first.size)
        }
        guard stream.row.floor != floor else { return false }
        bytes += stream.cost - before
        return true
    }

    /// What retention would give back of what is committed, if these events came to a stream.
    func costTaken(from stream: WriterStream, byKeeping new: EventBatch) -> Int {
        let rule = stream.row.options.retention
        guard rule != .everything else { return 0 }
        let now = clock.now
        var events = stream.currentLog.appendedEvents - stream.row.trimmedEvents + new.count
        var size = stream.currentLog.appendedBytes - stream.row.trimmedBytes + new.size
        var cost = 0
        func take(_ log: EventLog) -> Bool {
            for (run, at) in log.suffix(after: stream.row.floor).runs {
                for index in run.indices {
                    let isOver = rule.events.map { events > $0 } ?? false || rule.bytes.map { size > $0 } ?? false
                    guard isOver || rule.seconds.map({ (now - at) / 1000 >= Int64($0) }) ?? false else { return false }
                    events -= 1
                    size -= run.size(at: index)
                    cost += run.size(at: index) + StoreLimits.eventOverhead
                }
            }
            return true
        }
        for index in stream.row.firstChunk..<stream.row.nextChunk {
            let key = Schema.chunkKey(stream.row.number, index)
            guard let chunk = try? ChunkReader.row(key, statements.selectChunk), take(chunk.events) else { return cost }
        }
        _ = take(stream.unsealed)
        return cost
    }

    private func oldest(_ stream: WriterStream) -> (offset: Offset, size: Int, at: Int64)? {
        guard stream.row.firstChunk < stream.row.nextChunk else { return stream.unsealed.oldest }
        if let first = stream.trimming?.oldest { return first }
        let key = Schema.chunkKey(stream.row.number, stream.row.firstChunk)
        guard let chunk = try? ChunkReader.row(key, statements.selectChunk) else { return nil }
        stream.trimming = chunk.events.suffix(after: stream.row.floor)
        return stream.trimming?.oldest
    }

    private func dropOldest(_ stream: WriterStream, _ offset: Offset, size: Int) {
        stream.row.floor = offset
        stream.row.trimmedEvents += 1
        stream.row.trimmedBytes += size
        guard stream.row.firstChunk < stream.row.nextChunk else {
            stream.unsealed.removeFirst()
            return
        }
        stream.trimming?.removeFirst()
        guard stream.trimming?.isEmpty ?? false else { return }
        stream.trimming = nil
        stream.row.firstChunk += 1
        unwritten[stream.row.number] = stream
        addGarbage(stream)
    }
}
