#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension UnsafeRawBufferPointer {
    /// Where a byte stands for the first time at `start` or behind it; nil where it does not. Found by `memchr`.
    ///
    /// - Parameter start: from 0 to `count`.
    package func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        guard let baseAddress, let found = memchr(baseAddress + start, CInt(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }
}
