/// Counts bytes instead of keeping them.
struct ByteCounter: ByteSink {
    private(set) var count = 0

    mutating func put(_ byte: UInt8) {
        count += 1
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
    }
}
