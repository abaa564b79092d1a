import CZlib

/// Takes `gzip` and `deflate` apart while they arrive.
///
/// A class, since zlib keeps a pointer to its stream; it stays within one function and is not sent anywhere.
@available(freshet 0.1, *)
final class Inflater: Decompressor {
    private let stream: UnsafeMutablePointer<z_stream>
    private let isGzip: Bool
    private(set) var isBroken = false
    private(set) var isComplete = false
    private var input = PendingInput()
    /// Until the first bytes of `deflate` tell whether a header comes first: the RFC wants one, and many leave it out.
    private var isOpening: Bool

    /// Nil for a coding that zlib does not know.
    init?(coding: String) {
        guard ["gzip", "x-gzip", "deflate"].contains(coding) else { return nil }
        isGzip = coding != "deflate"
        isOpening = !isGzip
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

    func feed(_ bytes: [UInt8]) {
        guard !isBroken, !bytes.isEmpty else { return }
        input.append(bytes)
        guard isOpening, input.bytes.count >= 2 else { return }
        isOpening = false
        // A zlib header (RFC 1950) or gzip's: anything else is deflate without either.
        let (first, second) = (input.bytes[0], input.bytes[1])
        let isZlib = first & 0x0F == 8 && (Int(first) << 8 | Int(second)) % 31 == 0
        if !isZlib, (first, second) != (0x1F, 0x8B) { inflateReset2(stream, -15) }
    }

    func next() -> [UInt8] {
        guard !isBroken, !isOpening, !input.isEmpty || stream.pointee.avail_out == 0 else { return [] }
        while true {
            // Several gzip members may follow one another (RFC 1952, section 2.2).
            if isComplete {
                guard !input.isEmpty else { return [] }
                guard isGzip, inflateReset(stream) == Z_OK else {
                    isBroken = true
                    return []
                }
                isComplete = false
            }
            let output = part()
            // A member without content, or a header alone, is not all that there is.
            if !output.isEmpty || !isComplete || input.isEmpty { return output }
        }
    }

    private func part() -> [UInt8] {
        let (bytes, position) = (input.bytes, input.position)
        return [UInt8](unsafeUninitializedCapacity: Decompression.part) { room, count in
            bytes.withUnsafeBufferPointer { bytes in
                // It is read only, as `z_const` says in zlib.h.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress).map { $0 + position }
                stream.pointee.avail_in = UInt32(bytes.count - position)
                stream.pointee.next_out = room.baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                let result = CZlib.inflate(stream, Z_SYNC_FLUSH)
                input.position = bytes.count - Int(stream.pointee.avail_in)
                count = room.count - Int(stream.pointee.avail_out)
                isComplete = result == Z_STREAM_END
                if result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END { isBroken = true }
            }
        }
    }
}
