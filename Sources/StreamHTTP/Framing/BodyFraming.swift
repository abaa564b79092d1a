package import NIOCore
import TextCodecs

/// How the parts of a streamed body are told apart on the wire.
@available(freshet 0.1, *)
package enum BodyFraming: Int, Sendable, Hashable {
    /// HTTP/1.1 chunks.
    case chunked
    /// As they are, to the end of the connection (HTTP/1.0).
    case plain

    /// Appends a part as it goes on the wire.
    package func append(_ part: [UInt8], to output: inout [UInt8]) {
        guard !part.isEmpty else { return }
        switch self {
        case .plain: output.append(contentsOf: part)
        case .chunked:
            output.reserveCapacity(output.count + part.count + 12)
            appendHex(part.count, to: &output)
            output.append(contentsOf: "\r\n".utf8)
            output.append(contentsOf: part)
            output.append(contentsOf: "\r\n".utf8)
        }
    }

    /// A part as it goes on the wire.
    package func framed(_ part: ByteBuffer) -> ByteBuffer {
        guard self == .chunked else { return part }
        var output = ByteBuffer()
        output.reserveCapacity(part.readableBytes + 12)
        output.writeString(String(part.readableBytes, radix: 16))
        output.writeStaticString("\r\n")
        output.writeImmutableBuffer(part)
        output.writeStaticString("\r\n")
        return output
    }

    /// A part as it goes on the wire, in one piece with what stands behind it.
    package func framed(_ part: [UInt8], then end: [UInt8] = []) -> ByteBuffer {
        var output = ByteBuffer()
        let isChunk = self == .chunked && !part.isEmpty
        let size = isChunk ? String(part.count, radix: 16) : ""
        output.reserveCapacity(size.utf8.count + part.count + end.count + 4)
        if isChunk {
            output.writeString(size)
            output.writeStaticString("\r\n")
        }
        output.writeBytes(part)
        if isChunk { output.writeStaticString("\r\n") }
        output.writeBytes(end)
        return output
    }

    /// What tells that the body is complete.
    package var terminator: [UInt8] {
        switch self {
        case .plain: []
        case .chunked: Array("0\r\n\r\n".utf8)
        }
    }

    /// What stands last in a body: its terminator, or, of one that is left unfinished on purpose, what is no chunk. Where
    /// only the connection ended, node's fetch (20) takes a body that was cut for a whole one.
    package func end(isComplete: Bool) -> [UInt8] {
        if isComplete { return terminator }
        return self == .chunked ? Array("\r\n".utf8) : []
    }

    private func appendHex(_ value: Int, to output: inout [UInt8]) {
        var shift = 60
        var isLeading = true
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: (value >> shift) & 15)
            if digit != 0 || !isLeading || shift == 0 {
                output.append(Hexadecimal.digit(digit))
                isLeading = false
            }
            shift -= 4
        }
    }
}
