/// The right to a request, which may end while it is open.
extension RequestRun {
    /// The rules about who may have changed: a request that has lost its right by them is brought to an end.
    func reviewRight() {
        if let grant, !grant.stillHolds { loseRight(.revoked) }
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
