/// What stands of a stream that decides whether it can be forked, the same for every store.
@available(freshet 0.1, *)
package struct ForkStanding: Sendable {
    package var options: StreamOptions
    package var floor: Offset
    package var tail: Offset
    package var end: StreamEnd?

    package init(options: StreamOptions, floor: Offset, tail: Offset, end: StreamEnd?) {
        self.options = options
        self.floor = floor
        self.tail = tail
        self.end = end
    }

    /// What a fork is made with: what was asked for, and of the source what was not.
    package func options(_ asked: StreamOptions, for request: ForkRequest) -> StreamOptions {
        var options = asked
        if request.inheritsContentType { options.contentType = self.options.contentType }
        if request.inheritsExpiry { options.expiry = self.options.expiry }
        return options
    }

    /// Why there is no such fork, as far as that can be said without looking for its point; nil when it may go ahead.
    package func refusal(of request: ForkRequest, with options: StreamOptions) -> ForkRefusal? {
        guard self.options.contentType.matches(options.contentType) else {
            return .typeMismatch(self.options.contentType)
        }
        if case .after(let offset) = request.point, offset > tail, offset != end?.offset { return .beyondTail(tail) }
        return nil
    }

    /// Why the point is none to fork at, when a read from there has this standing.
    package func refusal(of request: ForkRequest, at standing: Page.Standing) -> ForkRefusal? {
        switch standing {
        case .exact: nil
        case .belowFloor: request.point == .start ? nil : .belowFloor(floor)
        case .unknown: .unknownPoint
        }
    }

    /// What the fork remembers of where it came from.
    package func origin(of request: ForkRequest) -> ForkOrigin {
        let point = request.point == .now ? .after(tail) : request.point
        return ForkOrigin(source: request.source, point: point, beyond: request.beyond)
    }
}
