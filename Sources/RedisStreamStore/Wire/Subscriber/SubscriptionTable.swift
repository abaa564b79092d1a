/// Who follows which channel, and what Redis has been asked and has confirmed.
///
/// Redis confirms in the order in which it was asked, so that of a channel only the number of confirmations on the way
/// is known: who subscribes while the confirmation of an earlier UNSUBSCRIBE is still to come waits for the last of them.
@available(freshet 0.1, *)
struct SubscriptionTable {
    typealias Told = @Sendable (RedisSubscriptionSignal) -> Void

    private struct Follower {
        var number: UInt64
        var isReady: Bool
        var told: Told
    }

    private struct Channel {
        var followers: [Follower] = []
        /// What Redis was last asked: to subscribe, or not.
        var isAsked = false
        /// Confirmations on the way.
        var unconfirmed = 0

        var isConfirmed: Bool { isAsked && unconfirmed == 0 }
        /// Whether Redis is to be asked.
        var isChanged: Bool { isAsked == followers.isEmpty }
        var isForgotten: Bool { followers.isEmpty && !isAsked && unconfirmed == 0 }
    }

    /// What Redis is to be told.
    struct Changes: Equatable {
        var subscribe: [[UInt8]] = []
        var unsubscribe: [[UInt8]] = []
    }

    private var channels: [[UInt8]: Channel] = [:]
    /// Those of which Redis is to be asked.
    private var changed: Set<[UInt8]> = []

    /// How many channels are known.
    var count: Int { channels.count }

    /// - Returns: Who is to be told `ready` now.
    mutating func add(_ name: [UInt8], number: UInt64, told: @escaping Told) -> Told? {
        let isReady = channels[name]?.isConfirmed ?? false
        channels[name, default: Channel()].followers.append(Follower(number: number, isReady: isReady, told: told))
        noteChange(name)
        return isReady ? told : nil
    }

    mutating func remove(_ name: [UInt8], number: UInt64) {
        guard let index = channels[name]?.followers.firstIndex(where: { $0.number == number }) else { return }
        channels[name]?.followers.remove(at: index)
        noteChange(name)
        forget(name)
    }

    private mutating func noteChange(_ name: [UInt8]) {
        if channels[name]?.isChanged == true { changed.insert(name) } else { changed.remove(name) }
    }

    /// Who comes and goes while there is no connection leaves nothing behind.
    private mutating func forget(_ name: [UInt8]) {
        if channels[name]?.isForgotten == true { channels[name] = nil }
    }

    /// Takes what has changed since, to be asked now.
    mutating func takeChanges() -> Changes {
        var changes = Changes()
        for name in changed {
            guard let isAsked = channels[name]?.isAsked else { continue }
            channels[name]?.isAsked = !isAsked
            channels[name]?.unconfirmed += 1
            if isAsked { changes.unsubscribe.append(name) } else { changes.subscribe.append(name) }
        }
        changed.removeAll(keepingCapacity: true)
        return changes
    }

    /// Redis confirms what it was asked.
    ///
    /// - Returns: Who is to be told `ready`; nil where it confirms what it was not asked.
    mutating func confirmed(_ name: [UInt8]) -> [Told]? {
        guard var channel = channels[name], channel.unconfirmed > 0 else { return nil }
        channel.unconfirmed -= 1
        var ready: [Told] = []
        if channel.isConfirmed {
            for index in channel.followers.indices where !channel.followers[index].isReady {
                channel.followers[index].isReady = true
                ready.append(channel.followers[index].told)
            }
        }
        channels[name] = channel
        forget(name)
        return ready
    }

    /// Who is told a message. Before it is ready nobody is told one: it could be of an earlier subscription.
    func told(_ name: [UInt8], _ each: (Told) -> Void) {
        guard let channel = channels[name] else { return }
        for follower in channel.followers where follower.isReady { each(follower.told) }
    }

    /// The connection is lost, and with it all that Redis was asked.
    ///
    /// - Returns: Who is to be told `lost`.
    mutating func lost() -> [Told] {
        var lost: [Told] = []
        for name in Array(channels.keys) {
            guard var channel = channels[name] else { continue }
            channel.isAsked = false
            channel.unconfirmed = 0
            for index in channel.followers.indices where channel.followers[index].isReady {
                channel.followers[index].isReady = false
                lost.append(channel.followers[index].told)
            }
            channels[name] = channel
            noteChange(name)
            forget(name)
        }
        return lost
    }
}
