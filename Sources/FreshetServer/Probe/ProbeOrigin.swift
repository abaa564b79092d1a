import Locks
import ProbeProtocol
package import StreamCore

/// What the probes of one server share: a clock, how many there are, and what became of the last ones.
@available(freshet 0.1, *)
package final class ProbeOrigin: Sendable {
    /// Probes that are answered at one time.
    static let mostAtOnce = 64
    /// Probes of which it is remembered what became of them.
    private static let mostRemembered = 256

    private struct State {
        var open = 0
        var statuses: [String: ProbeStatus] = [:]
        /// Names in the order they came, the oldest first.
        var names: [String] = []
    }

    /// Another one in each run of a server.
    let instance = ProbeOrigin.randomName(bytes: 12)
    private let time: any TimeSource
    private let wall: Double
    private let state = Mutex(State())

    package init(time: any TimeSource = SystemTime()) {
        self.time = time
        // The wall clock at the beginning, and from there a clock that never steps: moments read well and compare well.
        wall = Double(time.wallMilliseconds()) - Self.milliseconds(time.monotonic())
    }

    /// Milliseconds.
    var now: Double {
        let now = wall + Self.milliseconds(time.monotonic())
        return (now * 100).rounded() / 100
    }

    /// Takes a place, unless all are taken.
    func enter() -> Bool {
        state.withLock { state in
            guard state.open < Self.mostAtOnce else { return false }
            state.open += 1
            return true
        }
    }

    func leave() { state.withLock { $0.open -= 1 } }

    func begin(_ name: String, opened: Double) {
        state.withLock { state in
            if state.statuses.updateValue(ProbeStatus(instance: instance, opened: opened), forKey: name) == nil {
                state.names.append(name)
            }
            if state.names.count > Self.mostRemembered { state.statuses[state.names.removeFirst()] = nil }
        }
    }

    func wrote(_ name: String) { state.withLock { $0.statuses[name]?.writes += 1 } }

    func ended(_ name: String, _ end: ProbeStatus.End) {
        let now = now
        state.withLock {
            $0.statuses[name]?.end = end
            $0.statuses[name]?.endedAt = now
        }
    }

    func status(_ name: String) -> ProbeStatus? { state.withLock { $0.statuses[name] } }

    static func randomName(bytes: Int) -> String { String(decoding: noise(bytes), as: UTF8.self) }

    /// Letters and digits that no compressor makes much of.
    static func noise(_ count: Int) -> [UInt8] {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_".utf8)
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 10)
        while bytes.count < count {
            var random = generator.next()
            for _ in 0..<10 {
                bytes.append(alphabet[Int(random & 63)])
                random >>= 6
            }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }
}
