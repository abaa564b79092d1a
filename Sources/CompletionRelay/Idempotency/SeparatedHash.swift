import Crypto
import TextCodecs

/// A digest of several texts, none of which can be taken for the end of one and the beginning of the next.
@available(freshet 0.1, *)
enum SeparatedHash {
    static func text(of parts: [String]) -> String {
        var hash = SHA256()
        for part in parts {
            let bytes = Array(part.utf8)
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: bytes)
        }
        return Hexadecimal.text(hash.finalize())
    }
}
