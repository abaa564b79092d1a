import Locks

/// Bytes that are made once and shared: the encodings of one item, by the form they are in.
@available(freshet 0.1, *)
package final class EncodingCache: Sendable {
    private let encodings = Mutex<[Int: [UInt8]]>([:])

    package init() {}

    /// The bytes of a form, made on the first call. A second loop that asks meanwhile waits rather than encode again.
    package func bytes(for form: Int, _ make: () -> [UInt8]) -> [UInt8] {
        encodings.withLock { encodings in
            if let bytes = encodings[form] { return bytes }
            let bytes = make()
            encodings[form] = bytes
            return bytes
        }
    }
}
