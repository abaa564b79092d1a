/// Reads one HTTP/1 response from its bytes, in pieces of any size, and says how it ended: who asks what a proxy does
/// to a response needs to see what a client library hides.
@available(freshet 0.1, *)
package struct HTTP1ResponseParser: Sendable {
    package enum Output: Sendable, Equatable {
        case head(ResponseHead)
        case body([UInt8])
        /// The body is whole, as its framing says.
        case complete
        /// These bytes are no response; nothing further is read.
        case malformed(String)
    }

    private enum State: Sendable {
        case head
        case length(Int)
        case chunkSize
        case chunk(Int)
        /// The line end after a chunk.
        case chunkEnd
        case trailer
        case untilClose
        case over
    }

    private static let longestHead = 64 << 10
    private var state = State.head
    private var pending: [UInt8] = []

    package init() {}

    package mutating func parse(_ bytes: some Collection<UInt8>) -> [Output] {
        pending.append(contentsOf: bytes)
        var outputs: [Output] = []
        var position = 0
        while let output = step(&position) {
            if let output { outputs.append(output) }
        }
        pending.removeFirst(position)
        return outputs
    }

    /// The connection was closed: whether the response was over, as far as its framing tells.
    package mutating func close() -> ResponseEnd {
        defer { state = .over }
        switch state {
        case .over: return .complete
        case .untilClose: return .closeDelimited
        case .head: return .torn(pending.isEmpty ? "closed without a response" : "closed within the head")
        case .length(let rest): return .torn("closed with \(rest) bytes of Content-Length missing")
        case .chunkSize, .chunk, .chunkEnd, .trailer: return .torn("closed before the last chunk")
        }
    }

    /// Nil when there is no more to be done with the bytes so far; an output that is nil when there is nothing to tell.
    private mutating func step(_ position: inout Int) -> Output?? {
        switch state {
        case .head:
            guard let lines = takeHead(&position) else {
                guard pending.count - position > Self.longestHead else { return .none }
                return fail("its head is longer than \(Self.longestHead) bytes")
            }
            return readHead(lines)
        case .length(let rest):
            guard let body = take(rest, &position) else { return .none }
            state = .length(rest - body.count)
            if body.count == rest {
                // Told with the next step, so that the body comes first.
                state = .length(0)
            }
            return rest == 0 ? finish() : .some(.body(body))
        case .chunkSize:
            guard let line = takeLine(&position) else { return .none }
            let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            guard !digits.isEmpty, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
                return fail("a chunk has no size, but \"\(Self.shown(line))\"")
            }
            state = size == 0 ? .trailer : .chunk(size)
            return .some(nil)
        case .chunk(let rest):
            guard let body = take(rest, &position), !body.isEmpty else { return .none }
            state = body.count == rest ? .chunkEnd : .chunk(rest - body.count)
            return .some(.body(body))
        case .chunkEnd:
            guard let line = takeLine(&position) else { return .none }
            guard line.isEmpty else { return fail("a chunk is longer than its size") }
            state = .chunkSize
            return .some(nil)
        case .trailer:
            guard let line = takeLine(&position) else { return .none }
            if line.isEmpty { return finish() }
            guard line.contains(UInt8(ascii: ":")) else {
                return fail("what follows the last chunk is no field, but \"\(Self.shown(line))\"")
            }
            return .some(nil)
        case .untilClose:
            guard let body = take(.max, &position), !body.isEmpty else { return .none }
            return .some(.body(body))
        case .over:
            return .none
        }
    }

    private mutating func finish() -> Output?? {
        state = .over
        return .some(.complete)
    }

    private mutating func fail(_ reason: String) -> Output?? {
        state = .over
        return .some(.malformed(reason))
    }

    private func take(_ most: Int, _ position: inout Int) -> [UInt8]? {
        guard most > 0 else { return [] }
        let count = min(most, pending.count - position)
        guard count > 0 else { return nil }
        defer { position += count }
        return Array(pending[position..<position + count])
    }

    private func takeLine(_ position: inout Int) -> ArraySlice<UInt8>? {
        guard let end = pending[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        var line = pending[position..<end]
        position = end + 1
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        return line
    }

    /// The lines of a head that is whole, without the empty one.
    private func takeHead(_ position: inout Int) -> [ArraySlice<UInt8>]? {
        var ahead = position
        var lines: [ArraySlice<UInt8>] = []
        while let line = takeLine(&ahead) {
            if line.isEmpty {
                position = ahead
                return lines
            }
            lines.append(line)
        }
        return nil
    }

    private mutating func readHead(_ lines: [ArraySlice<UInt8>]) -> Output?? {
        let first = lines.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let words = first.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.0" || words[0] == "HTTP/1.1", words[1].utf8.count == 3,
            let status = Int(words[1])
        else {
            return fail("it begins with \"\(Self.shown(first.utf8))\" and not with HTTP/1")
        }
        var head = ResponseHead(version: String(words[0].dropFirst(5)), status: status)
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
            head.fields.append(
                ResponseHead.Field(
                    String(decoding: line[..<colon], as: UTF8.self).lowercased(),
                    String(decoding: value, as: UTF8.self)
                )
            )
        }
        // An interim response, such as 103: the real one follows.
        if (100..<200).contains(status) { return .some(nil) }
        if status == 204 || status == 304 {
            state = .length(0)
        } else if head["transfer-encoding"]?.lowercased().contains("chunked") == true {
            state = .chunkSize
        } else if let length = head["content-length"].flatMap({ Int($0) }), length >= 0 {
            state = .length(length)
        } else {
            state = .untilClose
        }
        return .some(.head(head))
    }

    /// Bytes of a peer for a message: printable, and not many.
    private static func shown(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes.prefix(40).map { 0x20...0x7E ~= $0 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
