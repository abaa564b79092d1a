import Crypto
import Foundation

/// The keys that a server accepts, and what each gives.
///
/// A keys file holds one grant a line; `#` begins a comment:
/// ```
/// # name   key                  rights           streams
/// backend  sha256:9f86d0…0f00a  all              *
/// writer   7hK2…at-least-16     append,end       chat/ jobs/
/// ```
/// A key is written as it is or, better, as `sha256:` and the hex digest of it. A name that comes again with the same
/// key adds a grant.
@available(freshet 0.1, *)
package struct KeyRing: Sendable {
    struct Key: Sendable {
        /// SHA-256 of the bearer key. The key itself is not kept.
        let digest: [UInt8]
        var caller: Caller
    }

    let keys: [Key]
    /// Lines that are right, and may not say what their writer meant.
    package let warnings: [String]

    package var count: Int { keys.count }

    /// Whose key this is, or nil.
    ///
    /// What is compared are digests, in constant time, and the search goes through all keys: how long it takes tells
    /// neither how much of a guess was right nor which key it was.
    package func caller(forBearer token: String) -> Caller? {
        key(forBearer: token)?.caller
    }

    func key(forBearer token: String) -> Key? {
        let digest = SHA256.hash(data: Array(token.utf8))
        var found: Int?
        for (index, key) in keys.enumerated() where digest == key.digest {
            found = index
        }
        return found.map { keys[$0] }
    }
}
