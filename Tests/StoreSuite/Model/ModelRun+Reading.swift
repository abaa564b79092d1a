import StreamCore
import Testing

@available(freshet 0.1, *)
extension ModelRun {
    func position(in name: StreamName) -> ReadPosition {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: .start
        case 1: .now
        // Of this stream, of another one, or of one long gone.
        case 2: positions.randomElement(using: &random).map { .after($0) } ?? .start
        case 3: model[name]?.end.map { .after($0.offset) } ?? .now
        default: model[name]?.history.randomElement(using: &random)?.offset.map { .after($0) } ?? .start
        }
    }

    func read(_ name: StreamName) async throws {
        let position = position(in: name)
        let limit = PageLimit(events: Int.random(in: 1...8, using: &random))
        trace.append("read \(name) \(position)")
        settle(name)
        let page = try await streams.read(name, from: position, limit: limit)
        try await learnEnd(name)
        model[name]?.touched = time.monotonic()
        guard let stream = model[name] else {
            #expect(page == nil, context)
            return
        }
        guard let page else { throw UnexpectedOutcome("nothing to read, \(context)") }
        let (standing, first) = stream.locate(position)
        // Of an event taken before anyone knew its offset the model cannot know where it stood.
        if stream.history.prefix(stream.taken).allSatisfy({ $0.offset != nil }) || standing == .exact {
            #expect(page.standing == standing, context)
        }
        let expected = stream.history[first...].prefix(limit.events)
        #expect(page.texts == expected.map(\.text), context)
        #expect(page.end == (first + expected.count == stream.history.count ? stream.end : nil), context)
        #expect(stream.floor == nil || page.floor == stream.floor, context)
        #expect(stream.tail == nil || page.tail == stream.tail, context)
    }

    func compare(_ name: StreamName) async throws {
        trace.append("compare \(name)")
        settle(name)
        let info = try await streams.info(name)
        try await learnEnd(name)
        #expect((info != nil) == (model[name] != nil), context)
        guard let info, let stream = model[name] else { return }
        #expect(info.birth == stream.birth && info.end == stream.end && info.events == stream.kept.count, context)
        #expect(info.bytes == stream.kept.reduce(0) { $0 + $1.text.utf8.count }, context)
        #expect(info.options.leaseSeconds == stream.lease, context)
    }

    func follow(_ name: StreamName) async throws {
        if followers.count >= 6 {
            let old = followers.remove(at: Int.random(in: 0..<followers.count, using: &random)).follower
            old.streams.unfollow(old.name, old.inbox)
            old.streams.detachReader(old.name)
            readers[old.name, default: 0] -= 1
            model[old.name]?.touched = time.monotonic()
            trace.append("unfollow \(old.name)")
            return try await left()
        }
        let position = position(in: name)
        trace.append("follow \(name) \(position)")
        let follower = ModelFollower(name: name, at: streams, from: position)
        streams.attachReader(name)
        readers[name, default: 0] += 1
        model[name]?.touched = time.monotonic()
        streams.follow(name, follower.inbox)
        followers.append((follower, nil, 0))
        try await lookedUp(name)
    }

    /// Waits until every node with a reader knows what it reads.
    func lookedUp(_ name: StreamName) async throws {
        guard streams.isShared else { return }
        let birth = model[name]?.birth
        for node in nodes { while !node.streams.isLookedUp(name, born: birth) { await Task.yield() } }
    }

    func pump() async throws {
        guard let index = followers.indices.randomElement(using: &random) else { return }
        let follower = followers[index].follower
        let name = follower.name
        trace.append("pump \(name)")
        // Asking does what is due, here as in the model.
        settle(name)
        _ = try await follower.streams.info(name)
        try await learnEnd(name)
        let hadRead = follower.hasRead
        let position = follower.position
        let limit = PageLimit(events: Int.random(in: 1...4, using: &random))
        let signals = Int.random(in: 0...5, using: &random)
        if try await follower.pump(signals: signals, page: limit) {
            model[name]?.touched = time.monotonic()
        }
        if !hadRead, follower.hasRead, let stream = model[name] {
            followers[index].birth = stream.birth
            followers[index].first = stream.locate(position).1
        }
        try check(followers[index])
    }

    /// What a follower was shown is a stretch of the log without a hole, from where it began or its last gap.
    func check(_ entry: (follower: ModelFollower, birth: Offset?, first: Int)) throws {
        let all = Array(past.values) + Array(model.values)
        guard var stream = all.first(where: { $0.birth == entry.birth }) else { return }
        // Nil while it is unknown: behind a floor whose event was taken before anyone learned its offset.
        var next: Int? = entry.first
        var hasEnded = false
        for shown in entry.follower.shown {
            #expect(!hasEnded, context)
            switch shown {
            case .gap(let floor):
                next = nil
                // Offsets are unique, so the floor says which stream it is, should it have been made anew.
                for candidate in all {
                    if candidate.birth == floor { (stream, next) = (candidate, 0) }
                    let place = candidate.history.firstIndex { $0.offset == floor }
                    if let place { (stream, next) = (candidate, place + 1) }
                }
            case .event(let event):
                let place = try next ?? #require(stream.history.firstIndex { $0.text == event.text }, context)
                #expect(place < stream.history.count, context)
                #expect(place >= stream.history.count || stream.history[place].text == event.text, context)
                next = place + 1
            case .end(let end):
                #expect(end == stream.end, context)
                #expect(next == nil || next == stream.history.count, context)
                hasEnded = true
            case .removed: hasEnded = true
            }
        }
    }
}
