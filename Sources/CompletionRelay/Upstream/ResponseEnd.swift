import Locks
import NIOHTTP1

/// How one response ended, for whoever has read all that came before.
///
/// AsyncHTTPClient (1.37) keeps what it has received until it is asked for, and forgets it when the connection breaks: the
/// last words before a cut. So it is told of a whole response, and what really happened is kept here. A request carries
/// the way to it, a field that `ResponseEndHandler` takes off before it is sent.
@available(freshet 0.1, *)
final class ResponseEnd: Sendable {
    private static let field = "freshet-response-end"

    private struct Registry {
        var next = 0
        var ends: [String: Weak] = [:]
    }

    private struct Weak { weak var end: ResponseEnd? }

    private static let registry = Mutex(Registry())

    private let token: String
    private let trouble = Mutex<(any Error)?>(nil)

    init() {
        token = Self.registry.withLock { registry in
            registry.next += 1
            return "\(registry.next)"
        }
        Self.registry.withLock { $0.ends[token] = Weak(end: self) }
    }

    deinit { Self.registry.withLock { $0.ends[token] = nil } }

    /// What broke the response off; nil for one that is whole.
    var error: (any Error)? { trouble.withLock { $0 } }

    func broke(_ error: any Error) { trouble.withLock { $0 = error } }

    /// Lets a request carry the way to it.
    func mark(_ headers: inout HTTPHeaders) { headers.replaceOrAdd(name: Self.field, value: token) }

    /// Takes the way to it off a request.
    static func take(from headers: inout HTTPHeaders) -> ResponseEnd? {
        guard let token = headers.first(name: field) else { return nil }
        headers.remove(name: field)
        return registry.withLock { $0.ends[token]?.end }
    }
}
