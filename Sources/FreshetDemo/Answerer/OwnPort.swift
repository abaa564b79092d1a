import Locks

/// The port that this server listens on, for the answers' examples: the documentation names the usual one.
@available(freshet 0.1, *)
package final class OwnPort: Sendable {
    private static let usual = 4437
    private let port = Mutex(OwnPort.usual)

    package init() {}

    /// The server listens.
    package func set(_ port: Int) { self.port.withLock { $0 = port } }

    /// An answer whose examples can be tried on this server.
    package func named(in answer: Answer) -> Answer {
        let port = port.withLock { $0 }
        guard port != Self.usual else { return answer }
        var named = answer
        named.words = answer.words.map { $0.replacing(":\(Self.usual)", with: ":\(port)") }
        return named
    }
}
