import StreamCore

/// Deciding what is asked, in the order in which it came. Nothing here touches the database, but to read the outbox.
@available(freshet 0.1, *)
extension Writer {
    func stage(_ operation: Operation, _ batch: inout Batch) {
        switch operation {
        case .create(let name, let request, let reply): create(name, request, reply, &batch)
        case .append(let name, let request, let reply): append(name, request, reply, &batch)
        case .setLease(let name, let seconds, let reply):
            guard let stream = find(name, batch), stream.currentLog.end == nil else {
                batch.replies.append(.flag(reply, false))
                return
            }
            batch.withRow(stream) { row in
                row.leaseSeconds = seconds
                // With a lease the stream ends by itself: nothing more need be remembered of its producer.
                if stream.openProducers == 0 { row.hasOpenProducer = false }
            }
            batch.effects.append(.changed(stream))
            batch.replies.append(.flag(reply, true))
        case .producer(let name, let opened, let reply):
            if let stream = find(name, batch) { mark(stream, opened: opened, &batch) }
            batch.replies.append(.done(reply))
        case .remove(let name, let removal, let birth, let reply):
            guard let stream = find(name, batch), birth.map({ $0 == stream.row.birth }) ?? true else {
                batch.replies.append(.removed(reply, nil))
                return
            }
            remove(stream, removal, &batch)
            batch.replies.append(.removed(reply, stream.row.birth))
        case .trimByAge(let reply):
            batch.trimsByAge = true
            batch.replies.append(.done(reply))
        case .takeEnded(let age, let bytes, let reply):
            takeEnded(olderThan: age, toFit: bytes, &batch)
            batch.replies.append(.done(reply))
        case .touch(let name):
            guard let stream = find(name, batch) else { return }
            let now = batch.now
            batch.withRow(stream) { $0.touchedAt = max($0.touchedAt, now) }
            batch.effects.append(.changed(stream))
        case .changeOutbox(let number, let change, let reply): changeOutbox(number, change, reply, &batch)
        case .outboxEntries(let number, let limit, let reply):
            reply.send(listOutbox(after: number, limit: limit))
        case .outboxContent(let number, let reply): reply.send(outboxContent(of: number))
        case .confirm(let reply): batch.replies.append(.confirmation(reply))
        case .close: break
        }
    }

    func find(_ name: StreamName, _ batch: Batch) -> WriterStream? {
        if let changed = batch.names[name] { return changed }
        return streams[name]
    }

    private func create(
        _ name: StreamName,
        _ request: CreateRequest,
        _ reply: Reply<CreateOutcome>,
        _ batch: inout Batch
    ) {
        if let existing = find(name, batch) {
            let options = existing.row.options
            let outcome = CreateOutcome(existing.info, askedFor: request, createdWith: options)
            batch.replies.append(.create(reply, outcome))
            return
        }
        guard findTombstone(name, batch) == nil else { return batch.replies.append(.create(reply, .gone)) }
        var row = StreamRow(
            number: batch.nextStream,
            name: name,
            options: request.options,
            birth: mint(),
            after: head.lastHot,
            at: batch.now
        )
        var events = request.events
        var copy: ForkCopy?
        if let fork = request.fork {
            do throws(StoreError) {
                switch try self.fork(fork, &row, batch) {
                case .success(let made):
                    copy = made
                    if let part = made.part {
                        events = EventBatch(part)
                        events.append(contentsOf: request.events)
                    }
                case .failure(let refusal):
                    batch.replies.append(.create(reply, .forkRefused(refusal.refusal)))
                    return
                }
            } catch {
                return reply.send(.failure(error))
            }
            if let refusal = fork.refusal(ofBytes: row.sealed.appendedBytes + events.size) {
                batch.replies.append(.create(reply, .forkRefused(refusal)))
                return
            }
        }
        guard batch.takeRoom(for: events, beside: row.sealed.appendedBytes) else {
            return reply.send(.failure(.full(.disk)))
        }
        let stream = WriterStream(row)
        let cost = stream.cost + StoreLimits.cost(of: events)
        guard batch.streams < configuration.limits.streams else { return reply.send(.failure(.full(.streams))) }
        guard batch.bytes + cost <= configuration.limits.bytes else { return reply.send(.failure(.full(.bytes))) }
        batch.nextStream += 1
        batch.streams += 1
        batch.bytes += cost
        batch.names[name] = stream
        batch.withRow(stream) { _ in }
        batch.effects.append(.created(stream))
        if let copy, let source = row.forkedFrom?.source {
            batch.forks[source, default: 0] += 1
            batch.copies.append((stream, copy))
            if row.options.retention != .everything { batch.retained.append(stream) }
        }
        if !events.isEmpty || request.end != nil {
            keep(AppendRequest(events: events, end: request.end), stream, &batch)
        }
        batch.replies.append(.create(reply, .created(stream.info)))
    }

    private func append(
        _ name: StreamName,
        _ request: AppendRequest,
        _ reply: Reply<AppendOutcome>,
        _ batch: inout Batch
    ) {
        guard let stream = find(name, batch), request.birth.map({ $0 == stream.row.birth }) ?? true else {
            batch.replies.append(.append(reply, .notFound))
            return
        }
        let log = stream.currentLog
        let standing = AppendStanding(
            contentType: stream.row.options.contentType,
            tail: log.tail,
            end: log.end,
            closingStamp: log.closingStamp,
            producer: request.producer.flatMap { log.producers[$0.id] },
            sequence: log.sequence
        )
        if let refusal = standing.refusal(of: request) {
            batch.replies.append(.append(reply, refusal))
            return
        }
        let cost = request.events.isEmpty ? 0 : StoreLimits.cost(of: request.events)
        // Whoever ends a stream is not refused for want of room: an end is what lets it be taken later.
        let wanted = batch.bytes + cost
        guard
            request.events.isEmpty || wanted <= configuration.limits.bytes
                || wanted - costTaken(from: stream, byKeeping: request.events) <= configuration.limits.bytes
        else { return reply.send(.failure(.full(.bytes))) }
        guard request.events.isEmpty || batch.takeRoom(for: request.events) else {
            return reply.send(.failure(.full(.disk)))
        }
        let isNewProducer = request.producer.map { log.producers[$0.id] == nil } ?? false
        batch.bytes += cost + (isNewProducer ? StoreLimits.producerOverhead : 0)
        let item = keep(request, stream, &batch)
        let producer = request.producer.map { ProducerState(epoch: $0.epoch, sequence: $0.sequence) }
        batch.replies.append(.append(reply, .appended(tail: item.last, end: item.end, producer: producer)))
    }

    @discardableResult
    private func keep(_ request: AppendRequest, _ stream: WriterStream, _ batch: inout Batch) -> CommittedItem {
        let previous = stream.currentLog.tail
        let events: EventRun =
            request.events.isEmpty ? [] : EventRun(request.events, from: mint(request.events.count))
        let end = request.end.map { StreamEnd(reason: $0.reason, detail: $0.detail, offset: mint()) }
        let frame = Frame(
            stream: stream.row.number,
            previous: previous,
            events: events,
            producer: request.producer,
            sequence: request.sequence,
            end: end
        )
        batch.hot.add(frame)
        let now = batch.now
        batch.withLog(stream) { $0.apply(frame, at: now) }
        let item = CommittedItem(previous: previous, events: events, end: end)
        batch.effects.append(.committed(stream, item))
        batch.events += events.count
        if stream.row.options.retention != .everything { batch.retained.append(stream) }
        if let end = request.end { note(.ended, stream, trace: end.trace, &batch) }
        return item
    }

    private func mark(_ stream: WriterStream, opened: Bool, _ batch: inout Batch) {
        guard opened || stream.openProducers > 0 else { return }
        let change = opened ? 1 : -1
        stream.openProducers += change
        batch.counted.append((stream, by: change))
        let hasOpenProducer = stream.openProducers > 0
        guard stream.currentRow.hasOpenProducer != hasOpenProducer, opened || stream.currentLog.end == nil else {
            return
        }
        batch.withRow(stream) { $0.hasOpenProducer = hasOpenProducer }
        batch.effects.append(.changed(stream))
    }

    private func remove(_ stream: WriterStream, _ removal: Removal, _ batch: inout Batch) {
        let name = stream.row.name
        let hasForks = countForks(of: name, batch) > 0
        if removal == .expired { note(.expired, stream, &batch) }
        batch.withRow(stream) { row in
            row.isRemoved = true
            row.firstChunk = row.nextChunk
            row.isTombstone = hasForks
            // The name and where it was forked from is all that matters from here on.
            if hasForks { row.sealed = LogState(tail: row.sealed.tail) }
        }
        if hasForks {
            batch.tombstones[name] = stream
        } else {
            release(stream.row.forkedFrom, &batch)
        }
        batch.names[name] = .some(nil)
        batch.streams -= 1
        batch.bytes -= stream.cost
        batch.effects.append(.removed(stream, removal))
    }

    private func takeEnded(olderThan age: Duration, toFit bytes: Int, _ batch: inout Batch) {
        let latest = batch.now - Int64(age / .milliseconds(1))
        let candidates = streams.values.filter { stream in
            stream.log.end != nil && stream.log.endedAt <= latest && !stream.currentRow.isRemoved
        }
        let limits = configuration.limits
        var streams = batch.streams
        var kept = batch.bytes
        var chosen: [WriterStream] = []
        for stream in candidates.sorted(by: { $0.log.endedAt < $1.log.endedAt })
        where streams >= limits.streams || kept + bytes > limits.bytes {
            streams -= 1
            kept -= stream.cost
            chosen.append(stream)
        }
        guard streams < limits.streams, kept + bytes <= limits.bytes else { return }
        for stream in chosen { remove(stream, .expired, &batch) }
    }
}
