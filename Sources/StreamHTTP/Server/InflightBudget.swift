import Locks

/// The memory of what is in flight: bodies that are not answered yet, and responses that nobody has taken yet.
///
/// Whoever asks is not refused for being the last to come. When there is not room for all, the request that holds most
/// gives way. Of those that hold about as much, less than twice, it is one from the address that holds most, and of
/// those the one for which nothing has moved for longest: a reader that takes is not cut off for others that do not.
/// Bodies that are not complete may take half: so readers always find room, and so does a request that is small.
///
/// One for all event loops.
package final class InflightBudget: Sendable {
    package enum Kind: Int, Sendable, CaseIterable {
        /// A body that is not complete yet.
        case body
        /// A body that is being appended, or handed on. It is over soon, and gives way to nobody.
        case work
        /// What was written, and what its reader has not taken.
        case output
    }

    /// What is held now, and how often somebody gave way.
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
        /// Counts what was told: the lowest has changed nothing for longest.
        var order: UInt64 = 0
        var giveWay: @Sendable () -> Void
    }

    private struct State {
        var usage = Usage()
        var holdings: [ObjectIdentifier: Holding] = [:]
        var perAddress: [String: Int] = [:]
        var changes: UInt64 = 0

        mutating func put(_ holding: Holding, _ holder: ObjectIdentifier) {
            remove(holder)
            guard holding.bytes > 0 else { return }
            changes += 1
            holdings[holder] = holding
            holdings[holder]?.order = changes
            usage.bytes[holding.kind.rawValue] += holding.bytes
            perAddress[holding.address, default: 0] += holding.bytes
        }

        @discardableResult
        mutating func remove(_ holder: ObjectIdentifier) -> Holding? {
            guard let holding = holdings.removeValue(forKey: holder) else { return nil }
            usage.bytes[holding.kind.rawValue] -= holding.bytes
            let left = perAddress[holding.address, default: 0] - holding.bytes
            perAddress[holding.address] = left > 0 ? left : nil
            return holding
        }

        /// Who holds most, of those that may give way.
        func largest(_ mayGiveWay: (Kind) -> Bool) -> ObjectIdentifier? {
            holdings.filter { mayGiveWay($0.value.kind) }.max { rank($0.value) < rank($1.value) }?.key
        }

        private func rank(_ holding: Holding) -> (Int, Int, UInt64) {
            let size = Int.bitWidth - holding.bytes.leadingZeroBitCount
            return (size, perAddress[holding.address] ?? 0, .max - holding.order)
        }
    }

    /// What is not counted: less than a request's head may have.
    static let petty = 1024

    package let limit: Int
    private let state = Mutex(State())

    package init(limit: Int) {
        self.limit = limit
    }

    package var usage: Usage { state.withLock(\.usage) }

    /// Notes what a request holds now.
    ///
    /// - Parameter giveWay: called, on any thread and once for each time, when this request is the one that gives way. What it
    ///   held counts no more from then on.
    func hold(
        _ bytes: Int,
        _ kind: Kind,
        for holder: AnyObject,
        from address: String,
        giveWay: @escaping @Sendable () -> Void
    ) {
        let leaving = state.withLock { state -> [@Sendable () -> Void] in
            state.put(
                Holding(kind: kind, bytes: bytes, address: address, giveWay: giveWay),
                ObjectIdentifier(holder)
            )
            var leaving: [@Sendable () -> Void] = []
            func takeLargest(_ mayGiveWay: (Kind) -> Bool) -> Bool {
                guard let holder = state.largest(mayGiveWay), let holding = state.remove(holder) else { return false }
                state.usage.gaveWay[holding.kind.rawValue] += 1
                leaving.append(holding.giveWay)
                return true
            }
            while state.usage[.body].bytes > limit / 2, takeLargest({ $0 == .body }) {}
            while state.usage.total > limit, takeLargest({ $0 != .work }) {}
            return leaving
        }
        for giveWay in leaving { giveWay() }
    }

    /// A request holds nothing any more.
    func release(_ holder: AnyObject) { state.withLock { _ = $0.remove(ObjectIdentifier(holder)) } }
}
