import NIOCore

/// Where the frames of a connection begin and end, and since when something has begun that must not take long: the
/// preface, a frame, or a block of header fields over all its frames.
///
/// The parser of frames does not tell of what is not complete. Of a DATA frame only the head counts: how slowly a body
/// may come is its request's concern.
@available(freshet 0.1, *)
struct HTTP2FrameBoundaries {
    private static let headBytes = 9
    private static let data: UInt8 = 0
    private static let headers: UInt8 = 1
    private static let continuation: UInt8 = 9
    private static let endHeaders: UInt8 = 4

    /// Since when something is not complete; nil where everything is.
    private(set) var unfinishedSince: NIODeadline?
    private var prefaceLeft = HTTP2Preface.bytes.count
    /// How much of the current frame's head has come, and what it says.
    private var headCount = 0
    private var payloadLeft = 0
    private var kind: UInt8 = 0
    private var flags: UInt8 = 0
    /// A block of header fields is to be continued.
    private var isInBlock = false

    /// A connection begins with the preface and a frame of settings (RFC 9113, section 3.4).
    init(now: NIODeadline) {
        unfinishedSince = now
    }

    mutating func received(_ bytes: ByteBufferView, now: NIODeadline) {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let left = bytes.endIndex - index
            if prefaceLeft > 0 {
                let count = min(prefaceLeft, left)
                prefaceLeft -= count
                index += count
            } else if headCount < Self.headBytes {
                if unfinishedSince == nil { unfinishedSince = now }
                head(bytes[index])
                index += 1
            } else {
                let count = min(payloadLeft, left)
                payloadLeft -= count
                index += count
                if payloadLeft == 0 { completed() }
            }
        }
    }

    /// One byte of a frame's head (RFC 9113, section 4.1).
    private mutating func head(_ byte: UInt8) {
        switch headCount {
        case 0...2: payloadLeft = payloadLeft << 8 | Int(byte)
        case 3: kind = byte
        case 4: flags = byte
        default: break
        }
        headCount += 1
        guard headCount == Self.headBytes else { return }
        if kind == Self.data, !isInBlock { unfinishedSince = nil }
        if payloadLeft == 0 { completed() }
    }

    private mutating func completed() {
        headCount = 0
        if kind == Self.headers || kind == Self.continuation { isInBlock = flags & Self.endHeaders == 0 }
        if !isInBlock { unfinishedSince = nil }
    }
}
