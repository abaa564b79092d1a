#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// Walks over the complete lines of one chunk of bytes, whose lines end in LF, CR or CRLF.
///
/// It searches with `memchr` for both line ends and remembers where the next one of each kind is, so that no byte is
/// searched more than twice however the two kinds are mixed. Looking at one byte after the other costs about
/// four times as much.
package struct LineCursor {
    /// How far a search for CR runs ahead of the lines. It keeps the bytes in the nearest cache for the search for
    /// LF that follows; nearly every stream holds no CR at all, and then this search never stops early.
    private static let horizonStep = 16 << 10

    private let bytes: UnsafeRawBufferPointer
    /// Where the next line starts; once `next()` has returned nil, where the unfinished last line starts.
    package private(set) var position: Int
    /// The first LF at or after `position`, or the chunk's end when there is none; stale when below `position`.
    private var lineFeed = -1
    /// The first CR at or after `position` and before `horizon`; stale when below `position`.
    private var carriageReturn = -1
    /// The end of what has been searched for CR.
    private var horizon: Int
    /// How many bytes have been searched so far: the work done, by which tests show that it is linear.
    package private(set) var searchedBytes = 0

    /// Creates a cursor over a chunk, which must outlive it.
    ///
    /// - Parameters:
    ///   - bytes: The chunk.
    ///   - afterCarriageReturn: Whether the bytes before this chunk ended in a CR. That line has been reported, and an
    ///     LF at the chunk's start belongs to its end.
    package init(_ bytes: UnsafeRawBufferPointer, afterCarriageReturn: Bool = false) {
        self.bytes = bytes
        position = afterCarriageReturn && bytes.first == ASCII.lineFeed ? 1 : 0
        horizon = position
    }

    /// Moves the start of the next line forward, past bytes that belong to no line.
    mutating func skip(_ count: Int) {
        position += count
        horizon = max(horizon, position)
    }

    /// Returns where the next complete line is, without its end, or nil when no further line is complete.
    ///
    /// A CR that is the chunk's last byte ends its line at once: a reader should not wait for the LF that may follow.
    @inline(__always)
    package mutating func next() -> Range<Int>? {
        let start = position
        if lineFeed < start {
            guard start < bytes.count else { return nil }
            lineFeed = find(ASCII.lineFeed, from: start, to: bytes.count) ?? bytes.count
        }
        if lineFeed > horizon || carriageReturn >= start {
            if let end = nextCarriageReturn(before: lineFeed) {
                let next = end + 1
                position = next < bytes.count && bytes[next] == ASCII.lineFeed ? next + 1 : next
                return start..<end
            }
        }
        guard lineFeed < bytes.count else { return nil }
        position = lineFeed + 1
        return start..<lineFeed
    }

    /// Returns the first CR at or after `position` if it stands before `limit`.
    private mutating func nextCarriageReturn(before limit: Int) -> Int? {
        if carriageReturn >= position {
            return carriageReturn < limit ? carriageReturn : nil
        }
        horizon = max(horizon, position)
        while horizon < limit {
            let stop = min(bytes.count, horizon + Self.horizonStep)
            if let found = find(ASCII.carriageReturn, from: horizon, to: stop) {
                carriageReturn = found
                horizon = found + 1
                return found < limit ? found : nil
            }
            horizon = stop
        }
        return nil
    }

    @inline(__always)
    private mutating func find(_ byte: UInt8, from start: Int, to end: Int) -> Int? {
        // Only called with start < end, so that there is a base address.
        let base = bytes.baseAddress.unsafelyUnwrapped
        guard let found = memchr(base + start, Int32(byte), end - start) else {
            searchedBytes += end - start
            return nil
        }
        let index = UnsafeRawPointer(found) - base
        searchedBytes += index + 1 - start
        return index
    }
}
