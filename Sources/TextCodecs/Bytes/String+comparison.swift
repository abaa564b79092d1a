#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Comparisons of UTF-8 where it lies. Those of `utf8`, which is a sequence like any other, take several times as many
/// instructions (measured with callgrind: every request's path and fields are compared some thirty times).
@available(freshet 0.1, *)
extension String {
    /// Whether the bytes are those of the other text: not its characters, of which several spellings are equal.
    package func hasBytes(of other: String) -> Bool {
        Self.withBytes(of: self, other) { left, right in
            left.count == right.count && Self.begins(left, with: right)
        } ?? utf8.elementsEqual(other.utf8)
    }

    /// Whether the first bytes are those of the other text.
    package func begins(withBytesOf other: String) -> Bool {
        Self.withBytes(of: self, other) { left, right in
            left.count >= right.count && Self.begins(left, with: right)
        } ?? utf8.starts(with: other.utf8)
    }

    /// Whether the bytes are those of the other text, but for the case of ASCII letters: so names of fields are compared.
    package func hasBytesIgnoringCase(of other: String) -> Bool {
        utf8.count == other.utf8.count && begins(withBytesIgnoringCaseOf: other)
    }

    /// The same of the first bytes.
    package func begins(withBytesIgnoringCaseOf other: String) -> Bool {
        let isSame = Self.withBytes(of: self, other) { left, right in
            guard left.count >= right.count else { return false }
            for index in right.indices where !Self.isSame(left[index], right[index]) { return false }
            return true
        }
        return isSame ?? utf8.starts(with: other.utf8, by: Self.isSame)
    }

    /// - Parameter right: no longer than the other.
    private static func begins(_ left: UnsafeBufferPointer<UInt8>, with right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let left = left.baseAddress, let start = right.baseAddress else { return true }
        return memcmp(left, start, right.count) == 0
    }

    /// Bit 5 is the case of a letter.
    private static func isSame(_ left: UInt8, _ right: UInt8) -> Bool {
        left == right || (left | 0x20 == right | 0x20 && UInt8(ascii: "a")...UInt8(ascii: "z") ~= left | 0x20)
    }

    /// Nil where one of them is kept otherwise, as those of Objective-C may be.
    private static func withBytes(
        of left: String,
        _ right: String,
        _ compare: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool? {
        let result = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { compare(left, $0) }
        }
        return result ?? nil
    }
}
