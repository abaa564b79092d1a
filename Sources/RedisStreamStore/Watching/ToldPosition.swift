import StreamCore

/// How far those who watch a stream on this node were told, and what to tell them of the next thing that is heard.
///
/// A node hears twice of what it did itself: by the answer to its call, and by the message that Redis publishes of it, each
/// on a connection of its own, so that either may be first. Of what others did it hears by the message alone. Offsets of a
/// name only rise, over deletion and creation anew: so what is not later than what was told is known, and is not told
/// again; and what does not follow it proves that something in between has yet to be heard. Then the watchers are told to
/// read again, which shows them all of it, and the message that comes late is known.
@available(freshet 0.1, *)
struct ToldPosition {
    /// Nothing up to here is told again; nil while nothing was told.
    private var last: Offset?
    /// Whether the next item must follow `last`. Not after a loss: then the watchers read again anyway.
    private var isChained = false
    private var hasEnded = false
    private var floor: Offset?
    /// Which stream of the name this is about, where that is known.
    private var birth: Offset?
    private var isGone = false

    /// Messages may have been lost: whoever watches reads again, and the next item is taken wherever it begins.
    mutating func lose() { isChained = false }

    /// What to tell of it, in this order; nothing where it was told before.
    mutating func take(_ news: StreamNews) -> [StreamSignal] {
        switch news {
        case .created(let birth): created(birth)
        case .committed(let commit): committed(commit)
        case .grown(let previous, let mark): grown(previous, mark)
        case .trimmed(let floor): trimmed(floor)
        case .removed(let removal, let birth, let top): removed(removal, birth, top)
        // Of each it is heard in one way only.
        case .superseded(let claim): [.superseded(claim)]
        }
    }

    private mutating func created(_ birth: Offset) -> [StreamSignal] {
        if let last, birth <= last { return [] }
        // One that is there was deleted before, and the message of that comes late.
        let isNewsOfRemoval = isChained && !isGone
        begin(birth)
        return isNewsOfRemoval ? [.removed(.deleted), .created] : [.created]
    }

    private mutating func begin(_ birth: Offset?) {
        last = birth ?? last
        isChained = birth != nil
        hasEnded = false
        floor = nil
        self.birth = birth
        isGone = false
    }

    private mutating func committed(_ commit: StreamNews.Commit) -> [StreamSignal] {
        let isLater = last.map { commit.last > $0 } ?? true
        let isNewsOfEnd = commit.end != nil && !hasEnded && !isGone && commit.last == last
        guard isLater || isNewsOfEnd else { return [] }
        // The first item of a fork follows what it shares with its source, which is older than it is.
        let isFirstOfFork =
            last == birth && commit.previous < commit.last && birth.map { commit.previous < $0 } ?? false
        let told = isChained && !isGone && !isFirstOfFork ? last : nil
        let mayFollow = !isGone && told.map { commit.previous <= $0 } ?? true
        if isGone { begin(nil) }
        last = commit.last
        isChained = true
        if commit.end != nil { hasEnded = true }
        if mayFollow, let item = Self.item(commit, after: told) { return [.committed(item)] }
        // Whoever reads learns of all of it by reading. Who only waits for the end does not read.
        let end = commit.end.map { CommittedItem(previous: commit.last, events: [], end: $0) }
        return [.broken, .ready] + (end.map { [.committed($0)] } ?? [])
    }

    /// What follows what was told. An item that is published late, when it is durable, may begin with what was told by the
    /// answers to the calls that made it.
    private static func item(_ commit: StreamNews.Commit, after told: Offset?) -> CommittedItem? {
        guard let events = commit.events() else { return nil }
        guard let told, told != commit.previous else {
            return CommittedItem(previous: commit.previous, events: events, end: commit.end)
        }
        let index = events.index(after: told)
        guard index > events.startIndex, events.offset(at: index - 1) == told else { return nil }
        return CommittedItem(previous: told, events: events[index..<events.endIndex], end: commit.end)
    }

    private mutating func grown(_ previous: Offset, _ mark: Offset) -> [StreamSignal] {
        if let last, mark <= last || (hasEnded && !isGone && previous < last) { return [] }
        if isGone { begin(nil) }
        last = mark
        isChained = true
        return [.broken, .ready]
    }

    private mutating func trimmed(_ floor: Offset) -> [StreamSignal] {
        if let told = self.floor, floor <= told { return [] }
        // Of a stream before: all it held is below the birth of the one that is here.
        if let birth, floor <= birth { return [] }
        guard !isGone else { return [] }
        self.floor = floor
        return [.trimmed(floor: floor)]
    }

    private mutating func removed(_ removal: Removal, _ birth: Offset, _ top: Offset?) -> [StreamSignal] {
        if let known = self.birth, birth < known || (birth == known && isGone) { return [] }
        // What was told last is of a stream made after this one went.
        if let last, let top, last > top { return [] }
        last = max(last ?? birth, top ?? birth)
        self.birth = birth
        isChained = true
        isGone = true
        return [.removed(removal)]
    }
}
