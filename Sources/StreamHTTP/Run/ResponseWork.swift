import NIOCore
import StreamCore

/// What works on the response to one request, and what each kind makes of what happens meanwhile.
@available(freshet 0.1, *)
enum ResponseWork {
    case none
    case append(StreamingAppend)
    case catchUp(CatchUp)
    case exchange(Exchange)
    case longPoll(LongPoll)
    case subscriber(Subscriber)
    case pending(Task<Void, Never>)

    func writabilityChanged() {
        switch self {
        case .subscriber(let subscriber): subscriber.writabilityChanged()
        case .catchUp(let catchUp): catchUp.writabilityChanged()
        case .exchange(let exchange): exchange.writabilityChanged()
        case .none, .append, .longPoll, .pending: break
        }
    }

    func tick(now: NIODeadline) {
        switch self {
        case .subscriber(let subscriber): subscriber.tick(now: now)
        case .longPoll(let longPoll): longPoll.tick(now: now)
        case .catchUp(let catchUp): catchUp.tick(now: now)
        case .exchange(let exchange): exchange.tick(now: now)
        case .none, .append, .pending: break
        }
    }

    func bodyEnded() {
        switch self {
        case .append(let streaming): streaming.bodyEnded()
        case .exchange(let exchange): exchange.bodyEnded()
        case .none, .catchUp, .longPoll, .subscriber, .pending: break
        }
    }

    /// The rest of the body will not come.
    func bodyTorn() {
        switch self {
        case .append(let streaming): streaming.torn()
        case .exchange(let exchange): exchange.torn()
        case .none, .catchUp, .longPoll, .subscriber, .pending: break
        }
    }

    /// The server is going away: what can be brought to its end at once is.
    func drain() {
        switch self {
        case .append(let streaming): streaming.drain()
        case .subscriber(let subscriber): subscriber.sayFarewell(.draining)
        case .longPoll(let longPoll): longPoll.giveUp()
        case .catchUp(let catchUp): catchUp.drain()
        case .exchange(let exchange): exchange.drain()
        case .none, .pending: break
        }
    }

    /// The right to the request is gone. False when nothing works on it that could be ended.
    func loseRight(_ loss: RightLoss) -> Bool {
        switch self {
        case .append(let streaming): streaming.loseRight(loss)
        case .subscriber(let subscriber): subscriber.sayFarewell(ReconnectReason(loss))
        case .longPoll(let longPoll): longPoll.giveUp()
        case .catchUp(let catchUp): catchUp.drain()
        case .exchange(let exchange): exchange.loseRight(loss)
        case .pending(let task):
            task.cancel()
            return false
        case .none: return false
        }
        return true
    }

    /// May be asked to leave while streams that are being written or have just ended are read to their end.
    var mayLeave: Bool {
        switch self {
        case .append, .catchUp, .exchange: false
        case .subscriber(let subscriber):
            !subscriber.plane.streams.isComingToAnEnd(subscriber.name, canGoOn: !subscriber.plan.form.isPlanEnded)
        case .none, .longPoll, .pending: true
        }
    }

    /// What was written is what holds most memory. False when nothing is being written any more.
    func giveWay() -> Bool {
        switch self {
        case .subscriber(let subscriber): subscriber.giveWay()
        case .catchUp(let catchUp): catchUp.drain()
        case .exchange(let exchange): exchange.cutOff()
        case .none, .append, .longPoll, .pending: return false
        }
        return true
    }

    /// The peer is gone.
    func disconnected() {
        switch self {
        case .none: break
        case .append(let streaming): streaming.torn()
        case .exchange(let exchange): exchange.disconnected()
        case .longPoll(let longPoll): longPoll.disconnected()
        case .catchUp(let catchUp): catchUp.disconnected()
        case .subscriber(let subscriber): subscriber.disconnected()
        case .pending(let task): task.cancel()
        }
    }
}
