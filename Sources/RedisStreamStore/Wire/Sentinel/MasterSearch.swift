/// Asks sentinels in turn where the master is, and decides which of them is believed.
///
/// The one that was right the last time is asked first. An answer is taken at once unless its epoch is lower than that of the
/// master that was used last: then the sentinel was cut off, and speaks of one that was deposed since. A sentinel whose master
/// is none, or cannot be reached, is asked last the next time.
@available(freshet 0.1, *)
struct MasterSearch {
    enum Action: Hashable {
        case ask(_ sentinel: Int)
        case use(RedisEndpoint)
        case fail(RedisTrouble)
    }

    private let name: String
    private let sentinels: [RedisEndpoint]
    private var first = 0
    private(set) var isUnderWay = false
    /// How many were asked in this search.
    private var asked = 0
    private var behind: [(sentinel: Int, answer: SentinelAnswer)] = []
    private var troubles: [(sentinel: Int, trouble: RedisTrouble)] = []
    /// What was named, and by whom.
    private var named: (sentinel: Int, answer: SentinelAnswer)?
    /// Of the master that was used last; never of one that was only named, which may not be one at all.
    private var epoch: Int64 = 0
    /// The master that was used last.
    private(set) var current: RedisEndpoint?
    /// What was named and could not be used, and how many looks it is not believed beside a search.
    private var refused: (answer: SentinelAnswer, looks: Int)?

    /// A sentinel that knows of a later failover, and names a Redis that is no master, is not followed with every look.
    private static let looksRefused = 10

    /// - Parameter sentinels: at least one.
    init(name: String, sentinels: [RedisEndpoint]) {
        self.name = name
        self.sentinels = sentinels
    }

    mutating func begin() -> Action {
        asked = 0
        (behind, troubles) = ([], [])
        named = nil
        isUnderWay = true
        return .ask(first)
    }

    /// What the sentinel said that was to be asked.
    mutating func received(_ result: Result<SentinelAnswer, RedisTrouble>) -> Action {
        let sentinel = (first + asked) % sentinels.count
        asked += 1
        switch result {
        case .success(let answer):
            if answer.epoch >= epoch { return use(answer, of: sentinel) }
            behind.append((sentinel, answer))
        case .failure(let trouble): troubles.append((sentinel, trouble))
        }
        if asked < sentinels.count { return .ask((first + asked) % sentinels.count) }
        isUnderWay = false
        guard let last = behind.max(by: { $0.answer.epoch < $1.answer.epoch }) else { return .fail(trouble) }
        // Sentinels that were set up anew count from 0. So few as a failure cuts off are not believed to have been.
        guard behind.count * 2 > sentinels.count else {
            let words = "the sentinels that answer know less than those before: they were cut off"
            return .fail(RedisTrouble(.sentinel, words))
        }
        epoch = 0
        return use(last.answer, of: last.sentinel)
    }

    private mutating func use(_ answer: SentinelAnswer, of sentinel: Int) -> Action {
        named = (sentinel, answer)
        first = sentinel
        isUnderWay = false
        return .use(answer.master)
    }

    /// One that was named is a master, and is used.
    mutating func confirmed(_ master: RedisEndpoint) {
        guard let named, named.answer.master == master else { return }
        epoch = named.answer.epoch
        current = master
    }

    /// One that was named cannot be used: another sentinel may name another.
    mutating func passOver(_ master: RedisEndpoint) {
        guard let named, named.answer.master == master else { return }
        if !isUnderWay { first = (named.sentinel + 1) % sentinels.count }
        refused = (named.answer, Self.looksRefused)
        self.named = nil
    }

    /// All sentinels are about to be asked while masters are used.
    mutating func look() {
        guard let refused else { return }
        self.refused = refused.looks > 1 ? (refused.answer, refused.looks - 1) : nil
    }

    /// What a sentinel says while a master is used, which was asked beside the search. Any that knows of a later failover is
    /// right.
    ///
    /// - Parameter isUsed: whether the one that it names is used, and so is a master.
    /// - Returns: The master that all should be at; nil where none is known to be a later one.
    mutating func heard(_ answer: SentinelAnswer, of sentinel: Int, isUsed: Bool) -> RedisEndpoint? {
        guard answer.epoch > epoch, answer != refused?.answer else { return nil }
        if isUsed {
            epoch = answer.epoch
            current = answer.master
        }
        // The search that is under way goes on in its order.
        if !isUnderWay { first = sentinel }
        return answer.master
    }

    private var trouble: RedisTrouble {
        let kinds = Set(troubles.map(\.trouble.kind))
        let said = troubles.map { "\(sentinels[$0.sentinel]): \($0.trouble)" }.joined(separator: "; ")
        let kind = kinds.count == 1 ? troubles[0].trouble.kind : .sentinel
        return RedisTrouble(kind, "no sentinel says where the master \(name) is. \(said)")
    }
}
