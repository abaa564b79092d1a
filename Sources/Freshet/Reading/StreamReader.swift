import StreamCore

/// One read of a stream in this process: a cursor, and the rest of a page.
///
/// Follow, wait until that is confirmed, read after the cursor, and read again when something happened: following is
/// reading at the tail of the log.
@available(freshet 0.1, *)
final class StreamReader {
    private static let page = PageLimit(events: 64, bytes: 64 * 1024)

    private let stream: EventStream
    private let tail = TailCursor()
    private var position: ReadPosition
    private var isFollowing = false
    /// Whether the stream was there: what is gone then was taken away.
    private var hasSeen = false
    private var isAtTail = true
    private var isOver = false
    /// What is told next, last first.
    private var ready: [EventStream.Update] = []

    init(_ stream: EventStream, from position: EventStream.Position) {
        self.stream = stream
        self.position = position.core
    }

    deinit { leave() }

    func next() async throws -> EventStream.Update? {
        while ready.isEmpty {
            guard !isOver else { return nil }
            follow()
            if isAtTail { try await tail.changed() } else { try Task.checkCancellation() }
            try await read()
        }
        let update = ready.removeLast()
        if isOver, ready.isEmpty { leave() }
        return update
    }

    private func follow() {
        guard !isFollowing else { return }
        isFollowing = true
        stream.home.enter(tail)
        stream.home.streams.attachReader(stream.core)
        stream.home.streams.follow(stream.core, tail)
    }

    private func leave() {
        guard isFollowing else { return }
        isFollowing = false
        stream.home.streams.unfollow(stream.core, tail)
        stream.home.streams.detachReader(stream.core)
        stream.home.leave(tail)
    }

    private func read() async throws {
        let streams = stream.home.streams
        let asked = position
        let page = try await stream.stored { () throws(StoreError) in
            try await streams.read(stream.core, from: asked, limit: Self.page)
        }
        guard let page else { return try absent() }
        // The name may have been made anew: what is read then is another stream.
        if hasSeen, tail.removal != nil, page.standing == .unknown { return finish(.removed(removal)) }
        hasSeen = true
        isAtTail = page.isAtTail
        position = .after(page.last)
        var updates: [EventStream.Update] = []
        if page.standing != .exact { updates.append(.gap(requested: asked.offset, resumed: .init(page.floor))) }
        updates += page.events.map { .event(.init($0)) }
        if let end = page.end {
            updates.append(.end(.init(end)))
            isOver = true
        }
        ready = updates.reversed()
    }

    private func absent() throws {
        if hasSeen { return finish(.removed(removal)) }
        if case .after = position {
            leave()
            throw EventStreamError.notFound(stream.core)
        }
        // Whatever it begins with is new to who waited for it.
        position = .start
        isAtTail = true
    }

    /// It may be gone before the store has said so.
    private var removal: EventStream.Removal { tail.removal.map { .init($0) } ?? .deleted }

    private func finish(_ update: EventStream.Update) {
        ready = [update]
        isOver = true
    }
}

@available(freshet 0.1, *)
extension ReadPosition {
    fileprivate var offset: EventStream.Offset? {
        if case .after(let offset) = self { .init(offset) } else { nil }
    }
}
