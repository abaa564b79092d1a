package import NIOCore

/// One command for Redis, encoded while it is built.
///
/// Each argument is written once, to the buffer that goes to the socket: bytes of events are copied there, and do not
/// become a `String` on the way.
@available(freshet 0.1, *)
package struct RedisCommand: Sendable {
    /// The arguments as RESP has them, without the line before them that says how many they are.
    private(set) var arguments: ByteBuffer
    /// How many there are, the name included.
    package private(set) var argumentCount = 0

    /// - Parameters:
    ///   - name: `XADD`, `FCALL`…
    ///   - bytes: how many all arguments will take, about.
    package init(_ name: String, reserving bytes: Int = 256) {
        arguments = ByteBufferAllocator().buffer(capacity: bytes)
        add(name)
    }

    /// A command of words, for what is not asked often.
    package init(_ words: [String]) {
        arguments = ByteBufferAllocator().buffer(capacity: words.reduce(0) { $0 + $1.utf8.count + 8 })
        for word in words { add(word) }
    }

    /// How many bytes it is on the wire, about: the line before the arguments is not counted.
    package var byteCount: Int { arguments.readableBytes }

    package mutating func add(_ text: String) {
        beginArgument(text.utf8.count)
        arguments.writeString(text)
        endArgument()
    }

    package mutating func add(_ bytes: [UInt8]) {
        beginArgument(bytes.count)
        arguments.writeBytes(bytes)
        endArgument()
    }

    package mutating func add(_ bytes: ArraySlice<UInt8>) {
        beginArgument(bytes.count)
        arguments.writeBytes(bytes)
        endArgument()
    }

    package mutating func add(_ bytes: ByteBuffer) {
        beginArgument(bytes.readableBytes)
        arguments.writeImmutableBuffer(bytes)
        endArgument()
    }

    /// The number in decimal digits.
    package mutating func add(_ number: some FixedWidthInteger) {
        add(String(number))
    }

    /// An argument that is written in its place.
    ///
    /// - Parameter write: must write exactly as many bytes as it said: Redis would read the next argument wrongly.
    package mutating func add(byteCount: Int, _ write: (inout ByteBuffer) -> Void) {
        beginArgument(byteCount)
        let before = arguments.writerIndex
        write(&arguments)
        precondition(arguments.writerIndex - before == byteCount, "an argument is as long as it was announced")
        endArgument()
    }

    private mutating func beginArgument(_ length: Int) {
        argumentCount += 1
        arguments.writeRESPLength(UInt8(ascii: "$"), length)
    }

    private mutating func endArgument() {
        arguments.writeInteger(UInt16(0x0D0A))
    }
}

@available(freshet 0.1, *)
extension ByteBuffer {
    /// A line of a type and a length, as `$12` or `*3`.
    mutating func writeRESPLength(_ type: UInt8, _ length: Int) {
        // Digits from behind: there are at most 19.
        writeWithUnsafeMutableBytes(minimumWritableBytes: 24) { bytes in
            var digits = 1
            var rest = length / 10
            while rest > 0 {
                digits += 1
                rest /= 10
            }
            bytes[0] = type
            rest = length
            for index in stride(from: digits, to: 0, by: -1) {
                bytes[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            bytes[digits + 1] = UInt8(ascii: "\r")
            bytes[digits + 2] = UInt8(ascii: "\n")
            return digits + 3
        }
    }

    /// The command as Redis reads it.
    mutating func writeCommand(_ command: RedisCommand) {
        writeRESPLength(UInt8(ascii: "*"), command.argumentCount)
        writeImmutableBuffer(command.arguments)
    }
}
