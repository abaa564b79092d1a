#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension String {
    /// The text that bytes encode; nil where they are not UTF-8.
    ///
    /// That is `String(validating:as:)`, which Apple's systems have since macOS 15 and iOS 18 only. What is not UTF-8 is
    /// decoded with U+FFFD in its place, which may take as many bytes: so all of them are compared.
    package init?(utf8 bytes: [UInt8]) {
        self.init(decoding: bytes, as: UTF8.self)
        guard utf8.count == bytes.count else { return nil }
        let isSame = utf8.withContiguousStorageIfAvailable { text in
            bytes.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress, let text = text.baseAddress else { return true }
                return memcmp(text, start, bytes.count) == 0
            }
        }
        guard isSame ?? utf8.elementsEqual(bytes) else { return nil }
    }
}
