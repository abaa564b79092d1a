/// Writes bytes to memory that is known to be large enough.
struct ByteWriter: ByteSink {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.buffer = buffer
    }

    mutating func put(_ byte: UInt8) {
        precondition(count < buffer.count, "The buffer is shorter than byteCount(of:) said it must be.")
        buffer[count] = byte
        count += 1
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        precondition(bytes.count <= buffer.count - count, "The buffer is shorter than byteCount(of:) said it must be.")
        // A buffer that has room for these bytes has a base address.
        (buffer.baseAddress.unsafelyUnwrapped + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }
}
