import Locks

/// What the streams of each owner keep, in bytes of data: one number for an owner, and one entry for each stream that
/// has one. Guarded by one lock.
///
/// What is being appended counts from before it is kept, so that two at once do not both find room for one. What an
/// entry says is true as of the last append to its stream; what retention by age, or a store that makes room, has taken
/// since is found out when somebody is about to be refused (`Streams.counting`).
///
/// Where several nodes share the store each counts the streams that were created through it since it started.
@available(freshet 0.1, *)
final class OwnedBytes: Sendable {
    private struct Entry {
        var owner: String
        var birth: Offset
        var tail: Offset
        var bytes: Int
    }

    private struct Owner {
        var bytes = 0
        /// What is on its way to the store.
        var coming = 0
        var names: Set<StreamName> = []
        /// Until then nobody looks again at what its streams keep.
        var looksAgain: Duration?
        /// How many streams were left at the last look.
        var leftAtLook = 0
    }

    private struct State {
        var streams: [StreamName: Entry] = [:]
        var owners: [String: Owner] = [:]
    }

    /// A place for bytes that are being appended or created.
    struct Place: Sendable {
        let owner: String
        fileprivate let bytes: Int
    }

    enum Admission: Sendable {
        /// Nobody's, or there is room; then with the place taken.
        case room(Place?)
        case noRoom(owner: String)
    }

    let limit: Int
    private let time: any TimeSource
    private let state = Mutex(State())

    init(limit: Int, time: any TimeSource) {
        self.limit = limit
        self.time = time
    }

    /// Takes room for some bytes in a stream that is there.
    func take(_ bytes: Int, for name: StreamName) -> Admission {
        state.withLock { state in
            guard let owner = state.streams[name]?.owner else { return .room(nil) }
            return take(bytes, of: owner, &state)
        }
    }

    /// Takes room for some bytes in a stream that is being created.
    func take(_ bytes: Int, of owner: String) -> Admission { state.withLock { take(bytes, of: owner, &$0) } }

    private func take(_ bytes: Int, of name: String, _ state: inout State) -> Admission {
        var owner = state.owners[name] ?? Owner()
        let (sum, isBeyond) = (owner.bytes + owner.coming).addingReportingOverflow(bytes)
        guard !isBeyond, sum <= limit else { return .noRoom(owner: name) }
        owner.coming += bytes
        state.owners[name] = owner
        return .room(Place(owner: name, bytes: bytes))
    }

    /// What was to be appended is kept, and counted with its stream, or was not kept.
    func giveBack(_ place: Place) {
        state.withLock { state in
            state.owners[place.owner]?.coming -= place.bytes
            Self.tidy(place.owner, &state)
        }
    }

    /// A stream was created, or is found again at a start.
    func begin(_ info: StreamInfo) {
        state.withLock { state in
            // Two creates with a deletion between them may come here in the other order.
            if let entry = state.streams[info.name], entry.birth >= info.birth { return }
            Self.remove(info.name, &state)
            guard let owner = info.options.owner else { return }
            state.streams[info.name] = Entry(owner: owner, birth: info.birth, tail: info.tail, bytes: info.bytes)
            state.owners[owner, default: Owner()].bytes += info.bytes
            state.owners[owner, default: Owner()].names.insert(info.name)
        }
    }

    /// Takes over what a stream keeps now. What is older than what is known changes nothing.
    func update(_ info: StreamInfo) {
        state.withLock { state in
            guard var entry = state.streams[info.name], entry.birth == info.birth, info.tail >= entry.tail else {
                return
            }
            state.owners[entry.owner]?.bytes += info.bytes - entry.bytes
            entry.tail = info.tail
            entry.bytes = info.bytes
            state.streams[info.name] = entry
        }
    }

    func forget(_ name: StreamName, born birth: Offset) {
        state.withLock { if $0.streams[name]?.birth == birth { Self.remove(name, &$0) } }
    }

    /// The streams of an owner that is about to be refused, with their births; nil where they were looked at a moment
    /// ago. Whoever is given them looks, and says so with `looked`.
    func toLookAt(of owner: String) -> [(StreamName, Offset)]? {
        let now = time.monotonic()
        return state.withLock { state in
            guard let known = state.owners[owner], known.looksAgain.map({ now >= $0 }) ?? true else { return nil }
            // Until it is known how long it takes.
            state.owners[owner]?.looksAgain = now + .seconds(60)
            return known.names.compactMap { name in state.streams[name].map { (name, $0.birth) } }
        }
    }

    /// It has taken so long to look: who has many streams is looked at less often.
    func looked(at owner: String, took: Duration) {
        let now = time.monotonic()
        state.withLock { state in
            guard let known = state.owners[owner] else { return }
            state.owners[owner]?.looksAgain = now + max(.seconds(1), took * 10)
            state.owners[owner]?.leftAtLook = known.names.count
        }
    }

    /// Whether so many streams of an owner are known that a look at them is worth it: other nodes take some of them.
    func hasGrown(_ owner: String) -> Bool {
        state.withLock { $0.owners[owner].map { $0.names.count > 2 * $0.leftAtLook + 1000 } ?? false }
    }

    /// What an owner's streams keep now, with what is coming.
    func bytes(of owner: String) -> Int { state.withLock { $0.owners[owner].map { $0.bytes + $0.coming } ?? 0 } }

    /// How many owners are known.
    var count: Int { state.withLock(\.owners.count) }

    private static func remove(_ name: StreamName, _ state: inout State) {
        guard let entry = state.streams.removeValue(forKey: name) else { return }
        state.owners[entry.owner]?.bytes -= entry.bytes
        state.owners[entry.owner]?.names.remove(name)
        tidy(entry.owner, &state)
    }

    private static func tidy(_ name: String, _ state: inout State) {
        if let owner = state.owners[name], owner.names.isEmpty, owner.coming == 0 { state.owners[name] = nil }
    }
}
