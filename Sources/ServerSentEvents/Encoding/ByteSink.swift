/// Where encoded bytes go. The length of a block and its bytes come from one description of its form, run once with a
/// counter and once with a writer, so that they cannot differ.
protocol ByteSink {
    mutating func put(_ byte: UInt8)
    mutating func put(_ bytes: UnsafeRawBufferPointer)
}
