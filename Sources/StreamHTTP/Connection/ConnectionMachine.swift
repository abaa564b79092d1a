package import NIOCore

/// Where a connection stands between its requests and answers, and when it has been there too long.
///
/// It knows nothing of sockets: the handler tells it what happens and does what it says.
package struct ConnectionMachine {
    package enum Phase: Equatable {
        /// Between requests: not a byte of the next one is here.
        case idle
        /// Bytes of a head are here, the head is not.
        case head
        /// The head is here, and it is being decided how the request is answered.
        case deciding
        /// The head is here and says there is no body; the end of the request follows at once.
        case bodiless
        /// An atomic body is arriving.
        case collecting
        /// A live body is being appended.
        case live
        /// A function reads the body while it arrives, and may be answering already.
        case exchanging
        /// The request is whole; its answer is being made.
        case answering
        /// The answer is made when something happens to a stream, or after a while.
        case waiting
        /// The answer is on its way to the peer, who may be slow to take it.
        case flushing
        /// The answer is a stream.
        case streaming
        /// The last answer is out and our side is closed; the peer may still be sending.
        case lingering
        case closed
    }

    package enum Timeout: Equatable {
        /// Nobody asked for anything: close without a word.
        case close
        case answer(RequestFailure)
    }

    /// What a request needs before its plan can be carried out.
    package enum Intake: Equatable {
        /// Nothing more.
        case none
        case collect
        case live
        case exchange
    }

    package struct Times: Sendable {
        package var header: TimeAmount
        package var idle: TimeAmount
        package var bodyIdle: TimeAmount
        package var writeStall: TimeAmount
        package var linger: TimeAmount

        package init(
            header: TimeAmount,
            idle: TimeAmount,
            bodyIdle: TimeAmount,
            writeStall: TimeAmount,
            linger: TimeAmount
        ) {
            self.header = header
            self.idle = idle
            self.bodyIdle = bodyIdle
            self.writeStall = writeStall
            self.linger = linger
        }
    }

    package private(set) var phase = Phase.idle
    private var since: NIODeadline
    private let times: Times
    private var lingerBudget: Int

    package init(times: Times, lingerBytes: Int, now: NIODeadline) {
        self.times = times
        self.lingerBudget = lingerBytes
        self.since = now
    }

    /// Whether the next part of a request may be looked at.
    package var takesParts: Bool {
        switch phase {
        case .idle, .head, .bodiless, .collecting, .live, .exchanging: true
        case .deciding, .answering, .waiting, .flushing, .streaming, .lingering, .closed: false
        }
    }

    /// Whether the connection should go on reading: not while an answer is being made or taken, so that a peer cannot
    /// pile up requests; always while it streams or lingers, so that what comes is discarded and the end of it is seen.
    package var reads: Bool {
        switch phase {
        case .deciding, .answering, .flushing, .closed: false
        default: true
        }
    }

    package mutating func bytesArrived(_ count: Int, now: NIODeadline) {
        switch phase {
        case .idle: enter(.head, now)
        case .collecting: since = now
        case .lingering:
            lingerBudget -= count
            if lingerBudget < 0 { phase = .closed }
        default: break
        }
    }

    /// A head is here that is not yet known to be answered in any way.
    package mutating func deciding(now: NIODeadline) { enter(.deciding, now) }

    package mutating func headArrived(_ intake: Intake, hasBody: Bool, now: NIODeadline) {
        switch (intake, hasBody) {
        case (.collect, true): enter(.collecting, now)
        case (.live, true): enter(.live, now)
        case (.exchange, true): enter(.exchanging, now)
        case (_, false): enter(.bodiless, now)
        case (.none, true): enter(.answering, now)
        }
    }

    package mutating func requestComplete(now: NIODeadline) { enter(.answering, now) }

    package mutating func waiting(now: NIODeadline) { enter(.waiting, now) }

    package mutating func streamStarted(now: NIODeadline) { enter(.streaming, now) }

    /// An answer is written, and the peer has not taken all of it.
    package mutating func flushing(now: NIODeadline) { enter(.flushing, now) }

    /// The peer took some of it.
    package mutating func progressed(now: NIODeadline) {
        if phase == .flushing { since = now }
    }

    /// An answer is out after which the next request may come.
    package mutating func answered(now: NIODeadline) { enter(.idle, now) }

    /// The last answer is out.
    package mutating func lastAnswered(now: NIODeadline) { enter(.lingering, now) }

    package mutating func closed() { phase = .closed }

    /// What is to be done because nothing happened for so long.
    package func timeout(now: NIODeadline) -> Timeout? {
        let waited = now - since
        switch phase {
        // A browser opens connections ahead of need; whoever sent nothing is told nothing.
        case .idle: return waited >= times.idle ? .close : nil
        case .head: return waited >= times.header ? .answer(.headTimeout) : nil
        case .collecting: return waited >= times.bodyIdle ? .answer(.bodyTimeout) : nil
        case .flushing: return waited >= times.writeStall ? .close : nil
        case .lingering: return waited >= times.linger ? .close : nil
        case .deciding, .bodiless, .live, .exchanging, .answering, .waiting, .streaming, .closed: return nil
        }
    }

    private mutating func enter(_ phase: Phase, _ now: NIODeadline) {
        self.phase = phase
        since = now
    }
}
