import NIOCore
import NIOHTTP2

/// How a connection comes to its end.
@available(freshet 0.1, *)
extension HTTP2Connection {
    /// Begins no more streams: the peer is told which was the last, and may send others again elsewhere.
    func leave() {
        guard state == .open else { return }
        state = .leaving
        write(.goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil), on: .rootStream)
    }

    /// The rest of a head, or of a frame, is not waited for: the connection ends, with all that is on it.
    private func headTookTooLong() {
        failureIsCounted = true
        loop.counts.http2Failures += 1
        write(.goAway(lastStreamID: last, errorCode: .enhanceYourCalm, opaqueData: nil), on: .rootStream)
        leaveStreams()
        closeOutput()
    }

    func closeIfDone() {
        guard state == .leaving, streams.isEmpty, undecided.isEmpty else { return }
        closeOutput()
    }

    /// Closing at once while the peer is still sending would destroy what it has not read yet.
    func closeOutput() {
        switch state {
        case .open, .leaving:
            flush()
            state = .closing(since: .now())
            context?.close(mode: .output, promise: nil)
        case .closing, .closed: break
        }
    }
}

@available(freshet 0.1, *)
extension HTTP2Connection: HTTPLoopMember {
    var run: RequestRun? { nil }

    var isBusy: Bool {
        switch state {
        case .open, .closed: false
        // Its streams are busy themselves, and each is counted once.
        case .leaving: streams.isEmpty
        case .closing: true
        }
    }

    func tick(now: NIODeadline) {
        switch state {
        case .open, .leaving:
            let configuration = loop.configuration
            let patience: TimeAmount = peer.refusal == nil ? .nanoseconds(.max) : configuration.refusedTime
            if let since = boundaries.unfinishedSince, now - since >= min(configuration.headerTime, patience) {
                return headTookTooLong()
            }
            // Browsers open connections ahead of need: one that has asked nothing yet is idle.
            guard streams.isEmpty, now - idleSince >= min(configuration.idleTime, patience) else { return }
            leave()
            closeOutput()
        case .closing(let since):
            if now - since >= loop.configuration.lingerTime { context?.close(promise: nil) }
        case .closed: break
        }
    }

    /// One without requests is told with its next one, which is answered: it may be under way.
    func drain(closesIdle: Bool) {
        if closesIdle || !streams.isEmpty { leave() }
        closeIfDone()
    }

    func abandon() {
        leaveStreams()
        state = .closed
        context?.close(promise: nil)
    }
}
