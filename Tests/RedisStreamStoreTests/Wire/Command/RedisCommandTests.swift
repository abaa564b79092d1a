import NIOCore
import Testing

@testable import RedisStreamStore

@Suite("A command of Redis")
struct RedisCommandTests {
    private func encoded(_ command: RedisCommand) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeCommand(command)
        return Array(buffer.readableBytesView)
    }

    @Test("is written byte for byte as Redis reads it")
    func encodes() {
        var command = RedisCommand("SET", reserving: 0)
        command.add("ké")
        command.add([0, 13, 10, 255])
        command.add([1, 2, 3, 4][1..<3])
        command.add(ByteBuffer(string: "buffer"))
        command.add(-12 as Int64)
        command.add(byteCount: 3) { $0.writeString("abc") }
        command.add("")
        #expect(command.argumentCount == 8)
        let expected: [UInt8] =
            Array("*8\r\n$3\r\nSET\r\n$3\r\nké\r\n$4\r\n".utf8) + [0, 13, 10, 255]
            + Array("\r\n$2\r\n".utf8) + [2, 3]
            + Array("\r\n$6\r\nbuffer\r\n$3\r\n-12\r\n$3\r\nabc\r\n$0\r\n\r\n".utf8)
        #expect(encoded(command) == expected)
        #expect(encoded(RedisCommand(["PING"])) == Array("*1\r\n$4\r\nPING\r\n".utf8))
    }

    @Test("has lengths of any number of digits", arguments: [0, 1, 9, 10, 99, 100, 999, 1000, 65_536, 1_000_000])
    func lengths(_ length: Int) throws {
        var command = RedisCommand("X")
        command.add(Array(repeating: UInt8(ascii: "y"), count: length))
        #expect(encoded(command).starts(with: "*2\r\n$1\r\nX\r\n$\(length)\r\n".utf8))
        // What is written is what is read.
        var parser = RESPParser()
        var position = 0
        let value = try encoded(command).withUnsafeBytes { try parser.next($0, &position) }
        #expect(value?.elements?.last?.bytes?.count == length)
        #expect(parser.isBetweenReplies)
    }
}
