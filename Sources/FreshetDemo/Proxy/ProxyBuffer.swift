import NIOCore
import StreamHTTP

/// What a proxy that buffers holds of one answer, and when it lets go of it. Knows no connection and no clock.
@available(freshet 0.1, *)
struct ProxyBuffer: Sendable {
    enum Action: Sendable, Equatable {
        /// `length` where the whole body is known, or was announced.
        case head(Int, [HeaderField], length: Int?)
        case bytes(ByteBuffer)
        /// The answer is complete.
        case finish
        /// The answer is torn: whoever reads must see it.
        case cut
        /// There is nothing to pass on: the status that says so.
        case fail(Int)
    }

    private enum State {
        case waiting
        case holding(Head)
        case passing
        case over
    }

    private struct Head {
        var status: Int
        var headers: [HeaderField]
        var length: Int?
    }

    /// A proxy that waits for the whole answer has a bound too.
    static let mostHeld = 16 << 20

    private let policy: ProxyPolicy
    private var holding: ProxyPolicy.Holding
    private var state = State.waiting
    private var held = ByteBuffer()
    /// Bytes of the body that came.
    private var count = 0

    init(_ policy: ProxyPolicy) {
        self.policy = policy
        self.holding = policy.holding
    }

    /// The head of the answer came.
    mutating func head(_ status: Int, _ headers: [HeaderField], length: Int?) -> [Action] {
        guard case .waiting = state else { return [] }
        var headers = headers
        if policy.obeysHint {
            let hint = headers.firstIndex { $0.name.lowercased() == "x-accel-buffering" }
            if let hint, headers.remove(at: hint).value.lowercased() == "no" { holding = .nothing }
        }
        guard holding != .nothing else {
            state = .passing
            return [.head(status, headers, length: length)]
        }
        state = .holding(Head(status: status, headers: headers, length: length))
        return []
    }

    /// Some of the body came.
    mutating func received(_ bytes: ByteBuffer) -> [Action] {
        if case .over = state { return [] }
        guard case .bytes(let most) = policy.cut, count + bytes.readableBytes >= most else {
            count += bytes.readableBytes
            return hold(bytes)
        }
        // What came before goes on, in however many pieces it came.
        let actions = hold(bytes.getSlice(at: bytes.readerIndex, length: most - count) ?? ByteBuffer())
        state = .over
        return actions + [.cut]
    }

    private mutating func hold(_ bytes: ByteBuffer) -> [Action] {
        held.writeImmutableBuffer(bytes)
        switch holding {
        case .nothing: return release()
        case .bytes(let least) where held.readableBytes >= least: return release()
        case .bytes, .period: return []
        case .whole:
            guard held.readableBytes > Self.mostHeld else { return [] }
            state = .over
            return [.fail(502)]
        }
    }

    /// A full moment of `ProxyPolicy.Holding.period` has come.
    mutating func periodEnded() -> [Action] {
        guard case .period = holding else { return [] }
        return release()
    }

    /// The answer ended, as it should or torn.
    mutating func ended(isComplete: Bool) -> [Action] {
        defer { state = .over }
        switch (state, isComplete) {
        case (.over, _): return []
        case (.waiting, _), (.holding, false): return [.fail(502)]
        case (.passing, false): return [.cut]
        case (.holding(var head), true):
            // All of it is here, so that its length is known, whatever was announced.
            head.length = held.readableBytes
            state = .holding(head)
            return release() + [.finish]
        case (.passing, true): return release() + [.finish]
        }
    }

    private mutating func release() -> [Action] {
        var actions: [Action] = []
        if case .holding(let head) = state {
            if held.readableBytes == 0, head.length != 0 { return [] }
            actions.append(.head(head.status, head.headers, length: head.length))
            state = .passing
        }
        guard held.readableBytes > 0 else { return actions }
        actions.append(.bytes(held))
        held = ByteBuffer()
        return actions
    }
}
