import CZlib

/// Takes `gzip` and `deflate` apart while they arrive: each call gives all that the bytes so far tell.
///
/// A class, since zlib keeps a pointer to its stream; it stays within one function and is not sent anywhere.
final class Inflater: Decompressor {
    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var isBroken = false

    /// Nil for a coding that zlib does not know.
    init?(coding: String) {
        guard ["gzip", "x-gzip", "deflate"].contains(coding) else { return nil }
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 32: zlib looks at the first bytes and knows by them whether it is gzip or zlib.
        let result = inflateInit2_(stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func inflate(_ bytes: [UInt8]) -> [UInt8] {
        guard !isBroken, !bytes.isEmpty else { return [] }
        var input = bytes
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 << 10)
        input.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            while output.count < Decompression.limit {
                let (count, result) = room.withUnsafeMutableBufferPointer { room in
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(room.count)
                    let result = CZlib.inflate(stream, Z_SYNC_FLUSH)
                    return (room.count - Int(stream.pointee.avail_out), result)
                }
                output.append(contentsOf: room[..<count])
                if result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END { isBroken = true }
                if result != Z_OK || count < room.count { break }
            }
        }
        return output
    }
}
