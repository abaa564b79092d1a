import NIOCore

/// The right to a request, which may end while it is open.
@available(freshet 0.1, *)
extension RequestRun {
    /// The rules about who may have changed: a request that has lost its right by them is brought to an end.
    func reviewRight() {
        if let grant, !grant.stillHolds { loseRight(.revoked) }
    }

    /// Asks whoever let the request in whether it may go on.
    func askAgain() {
        guard let grant else { return }
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.immediately {
            await grant.askedAgain()
        } then: { renewed in
            bound.value.goOn(by: renewed, insteadOf: grant)
        }
    }

    /// - Parameter renewed: what came of asking again; nil for no right any more.
    func goOn(by renewed: (any AccessGrant)?, insteadOf grant: any AccessGrant) {
        // Somebody else was faster.
        guard self.grant === grant else { return }
        guard let renewed else { return loseRight(.revoked) }
        self.grant = renewed
        if renewed.isOutdated { askAgain() }
    }

    func loseRight(_ loss: RightLoss) {
        grant = nil
        guard !machine.isOver else { return }
        note(AccessEnd(ReconnectReason(loss)))
        if case .collecting = machine.state {
            forgetBody()
            return tell(.failed(.lostRight(loss)))
        }
        let work = work
        if work.loseRight(loss) { return }
        if case .pending = work {
            self.work = .none
            return reply(.response(loop.responder.respond(to: .lostRight(loss), head: head)))
        }
        lost = loss
    }

    /// Ends what came of a request whose right had ended before.
    func endWhatIsLost() {
        guard let lost, !machine.isOver else { return }
        self.lost = nil
        loseRight(lost)
    }
}
