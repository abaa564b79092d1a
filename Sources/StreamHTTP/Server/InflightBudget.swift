import Locks

/// The memory of what is in flight: bodies that are not answered yet, and responses that nobody has taken yet.
///
/// Whoever asks is not refused for being the last to come. When there is not room for all, the request that holds most
/// gives way. Of those that hold about as much, less than twice, it is one from the address that holds most, and of
/// those the one for which nothing has moved for longest: a reader that takes is not cut off for others that do not, also
/// where it holds more than they do, as between two pages. Who holds less than a sixteenth does not give way for it.
/// Bodies that are not complete may take half: so readers find room, and so does a request that is small. What calls
/// keep of theirs until their answers are over may take half too; for what is more there is no room.
///
/// One for all event loops.
@available(freshet 0.1, *)
package final class InflightBudget: Sendable {
    package enum Kind: Int, Sendable, CaseIterable {
        /// A body that is not complete yet.
        case body
        /// A body that is being appended, or handed on. It gives way to nobody.
        case work
        /// What was written, and what its reader has not taken.
        case output
    }

    /// What is held now, and how often somebody gave way or was refused.
    package struct Usage: Sendable, Equatable {
        package fileprivate(set) var bytes = [Int](repeating: 0, count: Kind.allCases.count)
        package fileprivate(set) var gaveWay = [Int](repeating: 0, count: Kind.allCases.count)

        package subscript(kind: Kind) -> (bytes: Int, gaveWay: Int) { (bytes[kind.rawValue], gaveWay[kind.rawValue]) }
        package var total: Int { bytes.reduce(0, +) }
    }

    /// What one request holds.
    private struct Holding {
        var kind: Kind
        var bytes: Int
        var address: String
        /// It stays for as long as its holder likes.
        var isClaim = false
        /// Its reader has taken much of what waited for it.
        var isTaken = false
        /// Counts what was told: the lowest has changed nothing for longest.
        var order: UInt64 = 0
        var giveWay: @Sendable () -> Void
    }

    private struct State {
        var usage = Usage()
        var holdings: [ObjectIdentifier: Holding] = [:]
        /// What those hold who give way and have not let go of it yet.
        var leaving: [ObjectIdentifier: Int] = [:]
        var leavingBytes = 0
        /// What is held of claims.
        var claimed = 0
        /// Told when there is room again.
        var waiting: [@Sendable () -> Void] = []
        var perAddress: [String: Int] = [:]
        var changes: UInt64 = 0

        mutating func put(_ holding: Holding, _ holder: ObjectIdentifier) {
            remove(holder)
            guard holding.bytes > 0 else { return }
            changes += 1
            holdings[holder] = holding
            holdings[holder]?.order = changes
            usage.bytes[holding.kind.rawValue] += holding.bytes
            if holding.isClaim { claimed += holding.bytes }
            perAddress[holding.address, default: 0] += holding.bytes
        }

        @discardableResult
        mutating func remove(_ holder: ObjectIdentifier) -> Holding? {
            leavingBytes -= leaving.removeValue(forKey: holder) ?? 0
            guard let holding = holdings.removeValue(forKey: holder) else { return nil }
            usage.bytes[holding.kind.rawValue] -= holding.bytes
            if holding.isClaim { claimed -= holding.bytes }
            let left = perAddress[holding.address, default: 0] - holding.bytes
            perAddress[holding.address] = left > 0 ? left : nil
            return holding
        }

        /// Takes away what its holder is told to let go of.
        mutating func giveWay(_ holder: ObjectIdentifier) -> Holding? {
            guard let holding = remove(holder) else { return nil }
            usage.gaveWay[holding.kind.rawValue] += 1
            leaving[holder] = holding.bytes
            leavingBytes += holding.bytes
            return holding
        }

        func isCrowded(_ limit: Int) -> Bool { leavingBytes > 0 && usage.total + leavingBytes > limit }

        /// Whoever waits for room, where there is some.
        mutating func takeWaiting(_ limit: Int) -> [@Sendable () -> Void] {
            guard !waiting.isEmpty, !isCrowded(limit) else { return [] }
            defer { waiting = [] }
            return waiting
        }

        /// Whose turn it is, of those that may give way, which `spared` may not: the largest; where that is taken, whoever
        /// of those that hold enough has been still for longest, which may be the largest itself.
        func next(but spared: ObjectIdentifier?, _ mayGiveWay: (Kind) -> Bool) -> ObjectIdentifier? {
            guard let largest = largest(but: spared, mayGiveWay), let holding = holdings[largest] else { return nil }
            guard holding.isTaken else { return largest }
            let enough = holding.bytes / InflightBudget.comparable
            var stillest = (holder: largest, order: holding.order)
            for (holder, holding) in holdings where mayGiveWay(holding.kind) && holder != spared {
                if holding.bytes >= enough, holding.order < stillest.order { stillest = (holder, holding.order) }
            }
            return stillest.holder
        }

        /// Who holds most.
        private func largest(but spared: ObjectIdentifier?, _ mayGiveWay: (Kind) -> Bool) -> ObjectIdentifier? {
            var best: (holder: ObjectIdentifier, rank: (Int, Int, UInt64))?
            for (holder, holding) in holdings where mayGiveWay(holding.kind) && holder != spared {
                let size = Int.bitWidth - holding.bytes.leadingZeroBitCount
                // There may be as many holdings as connections: an address is looked up for the largest only.
                if let best, size < best.rank.0 { continue }
                let rank = (size, perAddress[holding.address] ?? 0, .max - holding.order)
                if best.map({ $0.rank < rank }) ?? true { best = (holder, rank) }
            }
            return best?.holder
        }
    }

    /// Who holds this part of what a reader holds that takes, or more, gives way before it. Not who holds less: what is
    /// small finds room, and is no room for what is large.
    private static let comparable = 16

    /// What is not counted: less than a request's head may have.
    static let petty = 1024

    package let limit: Int
    private let state = Mutex(State())

    package init(limit: Int) {
        self.limit = limit
    }

    package var usage: Usage { state.withLock(\.usage) }

    /// Whether there is more than the limit in memory, because some of those who give way have not let go yet.
    var isCrowded: Bool { state.withLock { $0.isCrowded(limit) } }

    /// Calls once, on any thread, when those who give way have let go: now, where they have.
    func whenNotCrowded(_ tell: @escaping @Sendable () -> Void) {
        let told = state.withLock { state -> [@Sendable () -> Void] in
            state.waiting.append(tell)
            return state.takeWaiting(limit)
        }
        for tell in told { tell() }
    }

    /// Notes what a request holds now.
    ///
    /// - Parameters:
    ///   - isTaken: much of what waited for its reader has been taken: somebody else gives way, where anybody that holds
    ///     about as much has been still for longer.
    ///   - stays: it was to give way, and does not have to: what it holds is being taken. Somebody else gives way, where
    ///     there is anybody; this request is asked again when the next changes what it holds, not at once.
    ///   - giveWay: called, on any thread and once for each time, when this request is the one that gives way. What it
    ///     held counts no more from then on; `isCrowded` knows of it until this holder says what it holds now.
    func hold(
        _ bytes: Int,
        _ kind: Kind,
        for holder: AnyObject,
        from address: String,
        isTaken: Bool = false,
        stays: Bool = false,
        giveWay: @escaping @Sendable () -> Void
    ) {
        let told = state.withLock { state -> [@Sendable () -> Void] in
            let asker = ObjectIdentifier(holder)
            if stays, state.leaving[asker] != nil { state.usage.gaveWay[kind.rawValue] -= 1 }
            let holding = Holding(kind: kind, bytes: bytes, address: address, isTaken: isTaken, giveWay: giveWay)
            state.put(holding, asker)
            let spared = stays ? asker : nil
            var told: [@Sendable () -> Void] = []
            func takeNext(_ mayGiveWay: (Kind) -> Bool) -> Bool {
                guard let holder = state.next(but: spared, mayGiveWay), let holding = state.giveWay(holder) else {
                    return false
                }
                told.append(holding.giveWay)
                return true
            }
            while state.usage[.body].bytes > limit / 2, takeNext({ $0 == .body }) {}
            while state.usage.total > limit, takeNext({ $0 != .work }) {}
            return told + state.takeWaiting(limit)
        }
        for tell in told { tell() }
    }

    /// Notes what a call keeps of its body until its answer is over, and that may be long. It gives way to nobody, so
    /// that there is room for half of what is in flight only. Released by the holder.
    ///
    /// - Returns: false where there is no room; then nothing is noted.
    func claim(_ bytes: Int, for holder: AnyObject, from address: String) -> Bool {
        guard bytes >= Self.petty else { return true }
        let told = state.withLock { state -> [@Sendable () -> Void]? in
            guard state.claimed + bytes <= limit / 2 else {
                state.usage.gaveWay[Kind.work.rawValue] += 1
                return nil
            }
            let claim = Holding(kind: .work, bytes: bytes, address: address, isClaim: true, giveWay: {})
            state.put(claim, ObjectIdentifier(holder))
            var told: [@Sendable () -> Void] = []
            while state.usage.total > limit, let holder = state.next(but: nil, { $0 != .work }),
                let holding = state.giveWay(holder)
            {
                told.append(holding.giveWay)
            }
            return told + state.takeWaiting(limit)
        }
        guard let told else { return false }
        for tell in told { tell() }
        return true
    }

    /// A request holds nothing any more.
    func release(_ holder: AnyObject) {
        let told = state.withLock { state -> [@Sendable () -> Void] in
            state.remove(ObjectIdentifier(holder))
            return state.takeWaiting(limit)
        }
        for tell in told { tell() }
    }
}
