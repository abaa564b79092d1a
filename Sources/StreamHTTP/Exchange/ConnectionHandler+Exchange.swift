import NIOCore
import StreamCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Answering with a function that reads and writes while it runs.
extension ConnectionHandler: ExchangeOutlet {
    func begin(_ plan: ExchangePlan, hasBody: Bool) {
        guard let context else { return }
        if !hasBody { machine.waiting(now: .now()) }
        let exchange = Exchange(
            plan: plan,
            request: request,
            hasBody: hasBody,
            eventLoop: context.eventLoop,
            configuration: plane.configuration,
            outlet: self
        )
        self.exchange = exchange
        hasContinued = false
        exchange.start()
        // Read on, so that the end of a peer who gives up is seen.
        resumeReading()
    }

    func encodeHead(_ status: Int, _ headers: [HeaderField], length: Int?) -> [UInt8] {
        // What is not framed ends with the connection.
        if length == nil, request.isHTTP10 { mustClose = true }
        // What is left of a body that nobody read must not be taken for the next request.
        if machine.phase == .exchanging { mustClose = true }
        plane.counts.answers[status, default: 0] += 1
        return encoder.encodeOpenHead(status, headers, length: length, to: request, closes: mustClose)
    }

    func reset() {
        // To linger for no time is to discard what was not sent and to reset (POSIX, SO_LINGER).
        if let socket = context?.channel as? any SocketOptionProvider {
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        abort()
    }

    func bodyIsWanted() {
        guard machine.phase == .exchanging else { return }
        if !hasContinued {
            hasContinued = true
            continueIfExpected()
        }
        // What was read while there was no room waits here, and nothing is read before it is taken.
        takeParts()
    }

    func exchangeFinished(_ exchange: Exchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        answered()
    }

    func exchangeFailed(_ exchange: Exchange, _ error: any Error) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        if machine.phase == .exchanging { mustClose = true }
        switch error {
        case ExchangeError.gone, ExchangeError.torn, is CancellationError: abort()
        case ExchangeError.bodyTooLarge(let limit): fail(.bodyTooLarge(limit: limit))
        case ExchangeError.bodyTimeout: fail(.bodyTimeout)
        case ExchangeError.draining: fail(.draining)
        default: fail(.broken)
        }
    }
}
