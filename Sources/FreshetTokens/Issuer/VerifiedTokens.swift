import Crypto
import Locks

/// Tokens whose signature was found right, by their digests, so that each costs one. At most twice `size` are kept:
/// when there are `size` new ones, the older ones go. Its state is behind a mutex.
@available(freshet 0.1, *)
final class VerifiedTokens: Sendable {
    private struct State {
        var recent: [SHA256.Digest: TokenVerifier.Verified] = [:]
        var older: [SHA256.Digest: TokenVerifier.Verified] = [:]
    }

    private let state = Mutex(State())
    private let size: Int

    init(size: Int) {
        self.size = size
    }

    subscript(token: String) -> TokenVerifier.Verified? {
        let digest = Self.digest(token)
        return state.withLock { state in
            if let found = state.recent[digest] { return found }
            guard let found = state.older.removeValue(forKey: digest) else { return nil }
            keep(found, digest, &state)
            return found
        }
    }

    func keep(_ verified: TokenVerifier.Verified, for token: String) {
        let digest = Self.digest(token)
        state.withLock { keep(verified, digest, &$0) }
    }

    func drop(_ token: String) {
        let digest = Self.digest(token)
        state.withLock { state in
            state.recent[digest] = nil
            state.older[digest] = nil
        }
    }

    var count: Int { state.withLock { $0.recent.count + $0.older.count } }

    private func keep(_ verified: TokenVerifier.Verified, _ digest: SHA256.Digest, _ state: inout State) {
        if state.recent.count >= size {
            state.older = state.recent
            state.recent = [:]
        }
        state.recent[digest] = verified
    }

    private static func digest(_ token: String) -> SHA256.Digest { SHA256.hash(data: Array(token.utf8)) }
}
