import StreamCore
import Testing

@available(freshet 0.1, *)
extension ModelRun {
    func create(_ name: StreamName) async throws {
        var options = StreamOptions()
        if Bool.random(using: &random) { options.leaseSeconds = [5, 40].randomElement(using: &random) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: options.expiry = .idle(seconds: 20)
        // Readers hold one off at a node that takes it itself; a store that takes it they ask to leave it for a while.
        case 1 where !streams.isShared: options.expiry = .at(wallMilliseconds: time.wallMilliseconds() + 30_000)
        default: break
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: options.retention.events = 3
        case 1: options.retention.bytes = 12
        case 2: options.retention.seconds = 10
        default: break
        }
        let texts = Bool.random(using: &random) ? [] : [text()]
        let end = Int.random(in: 0..<12, using: &random) == 0 ? EndRequest(.failed) : nil
        trace.append("create \(name)")
        settle(name)
        let request = CreateRequest(options: options, events: EventBatch(texts.map { EventBody($0) }), end: end)
        let outcome = try await streams.create(name, request)
        try await learnEnd(name)
        let now = time.monotonic()
        guard let existing = model[name] else {
            guard case .created(let info) = outcome else { throw UnexpectedOutcome("\(context)") }
            mint(info.birth, of: name)
            model[name] = ModelStream(birth: info.birth, options: options, now: now, wall: time.wallMilliseconds())
            try await kept(texts, name, since: info.birth, tail: info.tail, end: info.end)
            try await lookedUp(name)
            return
        }
        let isSame = existing.options == options && (existing.end != nil) == (end != nil)
        switch outcome {
        case .exists:
            #expect(isSame, context)
            model[name]?.touched = now
        case .conflict: #expect(!isSame, context)
        case .created: throw UnexpectedOutcome("created twice, \(context)")
        case .gone, .forkRefused: throw UnexpectedOutcome("no fork was asked for, \(context)")
        }
    }

    func append(_ name: StreamName, end: EndRequest? = nil) async throws {
        var end = end
        var request = AppendRequest(end: end)
        var texts: [String] = []
        if end == nil {
            texts = (0..<Int.random(in: 1...3, using: &random)).map { _ in text() }
            if Int.random(in: 0..<14, using: &random) == 0 { end = EndRequest(.done) }
            var stamp: ProducerStamp?
            if Bool.random(using: &random) {
                let id = ["p", "q"].randomElement(using: &random)!
                let known = model[name]?.producers[id]
                let epoch = Int(known?.epoch ?? 0) + [0, 0, 0, 0, 0, 0, -1, 1].randomElement(using: &random)!
                let next = known.map { Int($0.sequence) + 1 } ?? 0
                let sequence = [next, next, next, next, next - 1, next + 1, 0].randomElement(using: &random)!
                stamp = ProducerStamp(id: id, epoch: UInt64(max(0, epoch)), sequence: UInt64(max(0, sequence)))
            }
            request = AppendRequest(events: EventBatch(texts.map { EventBody($0) }), producer: stamp, end: end)
        }
        trace.append("append \(name) \(request.producer.map { "\($0.id).\($0.epoch).\($0.sequence)" } ?? "")")
        settle(name)
        let outcome = try await streams.append(name, request)
        try await appended(texts, name, request, outcome)
    }

    /// Compares the outcome of an append with the model's and takes over what was kept.
    func appended(
        _ texts: [String],
        _ name: StreamName,
        _ request: AppendRequest,
        _ outcome: AppendOutcome
    ) async throws {
        try await learnEnd(name)
        let expected = model[name]?.verdict(on: request.producer) ?? "not found"
        #expect(outcome.word == expected, context)
        let now = time.monotonic()
        switch outcome {
        case .appended(let tail, let end, _):
            let before = try #require(model[name], context)
            model[name]?.touched = now
            model[name]?.leaseStart = now
            if let stamp = request.producer {
                model[name]?.producers[stamp.id] = ProducerState(epoch: stamp.epoch, sequence: stamp.sequence)
                if end != nil { model[name]?.closing = stamp }
            }
            #expect((end?.reason) == request.end?.reason, context)
            try await kept(texts, name, since: before.tail, tail: tail, end: end)
        case .duplicate:
            model[name]?.touched = now
            model[name]?.leaseStart = now
        case .ended(let end, let tail, _):
            #expect(end == model[name]?.end, context)
            if let known = model[name]?.tail { #expect(tail == known, context) }
        default: break
        }
    }

    /// Takes over the events of one commit, whose offsets the store gives where it still has them.
    private func kept(
        _ texts: [String],
        _ name: StreamName,
        since previous: Offset?,
        tail: Offset,
        end: StreamEnd?
    ) async throws {
        let now = time.monotonic()
        let events = try await store.page(name, from: previous.map { .after($0) } ?? .start).events.suffix(texts.count)
        for (index, text) in texts.enumerated() {
            let place = index - (texts.count - events.count)
            let event = place >= 0 ? events[events.startIndex + place] : nil
            if let event { #expect(event.text == text, context) }
            let offset = event?.offset ?? (index == texts.count - 1 ? tail : nil)
            if let offset { mint(offset, of: name) }
            model[name]?.history.append(ModelStream.Event(text: text, offset: offset, at: now))
        }
        #expect(tail == (texts.isEmpty ? previous ?? tail : model[name]?.history.last?.offset), context)
        if let end { mint(end.offset, of: name) }
        model[name]?.end = end
        model[name]?.trim(at: now)
        try await syncFloor(name)
    }

    func remove(_ name: StreamName) async throws {
        trace.append("remove \(name)")
        settle(name)
        _ = try await streams.info(name)
        try await learnEnd(name)
        let wasThere = try await streams.remove(name)
        #expect(wasThere == (model[name] != nil), context)
        forget(name)
        try await lookedUp(name)
    }

    func renew(_ name: StreamName) async throws {
        trace.append("renew \(name)")
        settle(name)
        let info = try await streams.renewLease(name, seconds: 8)
        try await learnEnd(name)
        #expect((info == nil) == (model[name] == nil), context)
        guard model[name] != nil, model[name]?.end == nil else { return }
        model[name]?.lease = 8
        model[name]?.leaseStart = time.monotonic()
    }

    func openProducer(_ name: StreamName) async throws {
        let label = Bool.random(using: &random) ? "label" : nil
        trace.append("open \(name) \(label ?? "")")
        settle(name)
        let producer = try await streams.openProducer(name, label: label) { _ in }
        try await learnEnd(name)
        #expect((producer == nil) == (model[name] == nil), context)
        guard let producer, let stream = model[name] else { return }
        // Of a stream that has ended nodes that share it claim nothing, nor take it from anybody.
        for index in openProducers.indices
        where label != nil && openProducers[index].name == name && openProducers[index].label == label
            && !(streams.isShared && stream.end != nil)
        {
            openProducers[index].isSuperseded = true
        }
        openProducers.append(
            ModelProducer(
                producer: producer,
                name: name,
                label: label,
                birth: stream.birth,
                hasBegun: stream.end == nil
            )
        )
    }

    func appendProduced() async throws {
        guard let one = openProducers.randomElement(using: &random) else { return }
        trace.append("streaming append \(one.name)")
        let texts = [text()]
        let end = Int.random(in: 0..<10, using: &random) == 0 ? EndRequest(.done) : nil
        let events = EventBatch(texts.map { EventBody($0) })
        let outcome = try await one.producer.append(events, end: end)
        if one.isSuperseded || model[one.name]?.birth != one.birth {
            // Who learned of the end before it was superseded may be told of the end again. Of what was done at another
            // node it may learn by the answer.
            let words = nodes.count > 1 ? ["ended", "superseded", "not found"] : ["ended"]
            #expect(outcome.map { words.contains($0.word) } ?? true, context)
        } else {
            let outcome = try #require(outcome, context)
            try await appended(texts, one.name, AppendRequest(events: events, end: end), outcome)
        }
    }

    func finishProducer() async throws {
        guard let index = openProducers.indices.randomElement(using: &random) else { return }
        let one = openProducers.remove(at: index)
        let isTorn = Bool.random(using: &random)
        trace.append("finish \(one.name) \(isTorn ? "torn" : "")")
        await one.producer.finish(isTorn: isTorn)
        guard holds(one) else { return }
        let now = time.monotonic()
        model[one.name]?.touched = now
        if !isHeld(one.name) { model[one.name]?.leaseStart = now }
        guard isTorn, !one.isSuperseded, let stream = model[one.name], stream.birth == one.birth,
            stream.end == nil, stream.lease == nil
        else { return try await left() }
        model[one.name]?.lease = 60
        model[one.name]?.leaseStart = now
        try await left()
    }

    /// No two events are alike.
    func text() -> String {
        written += 1
        return "\(written)"
    }
}
