import NIOHTTP1
import StreamCore

/// Writes responses as HTTP/1 bytes, whole, so that one response is one write.
@available(freshet 0.1, *)
struct ResponseEncoder {
    /// What the request asked for, as far as it changes the bytes of the response.
    struct Request {
        var isHTTP10 = false
        var isHead = false
    }

    var time: any TimeSource
    private var dateSecond: UInt64 = .max
    private var date = ""
    private var dateLine: [UInt8] = []
    /// Fields that most responses end with, and their bytes.
    private let prepared: [HeaderField]
    private let preparedBytes: [UInt8]

    /// - Parameter prepared: fields that most responses end with: they are written as one piece.
    init(time: any TimeSource, prepared: [HeaderField] = []) {
        self.time = time
        self.prepared = prepared
        var bytes: [UInt8] = []
        for field in prepared { Self.append(field.name, field.value, to: &bytes) }
        preparedBytes = bytes
    }

    /// A complete response.
    mutating func encode(_ response: Response, to request: Request, closes: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512 + response.body.count)
        let hasBody = !(response.status == 204 || response.status == 304 || response.status < 200)
        appendHead(response.status, response.headers, isHTTP10: request.isHTTP10, to: &output)
        switch response.framing {
        case .length:
            // The length a GET would show, or none: to a HEAD, a response made without a body does not know it.
            if hasBody, !request.isHead || !response.body.isEmpty {
                Self.append("Content-Length", "\(response.body.count)", to: &output)
            }
            finishHead(request, closes: closes, to: &output)
            if hasBody, !request.isHead { output.append(contentsOf: response.body) }
        case .stream:
            let framing = Self.framing(for: request)
            if framing == .chunked { Self.append("Transfer-Encoding", "chunked", to: &output) }
            finishHead(request, closes: true, to: &output)
            if !request.isHead {
                framing.append(response.body, to: &output)
                output.append(contentsOf: framing.terminator)
            }
        }
        return output
    }

    /// The head of a stream that goes on until it ends; the connection closes after it.
    mutating func encodeStreamHead(_ headers: [HeaderField], to request: Request) -> [UInt8] {
        encodeOpenHead(200, headers, length: nil, to: request, closes: true)
    }

    /// The head of a response whose body follows in parts.
    ///
    /// - Parameter length: the body's length in bytes; without it the body is chunked, or ends with the connection.
    mutating func encodeOpenHead(
        _ status: Int,
        _ headers: [HeaderField],
        length: Int?,
        to request: Request,
        closes: Bool
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        appendHead(status, headers, isHTTP10: request.isHTTP10, to: &output)
        if status != 204, status != 304 {
            if let length {
                Self.append("Content-Length", "\(length)", to: &output)
            } else if Self.framing(for: request) == .chunked {
                Self.append("Transfer-Encoding", "chunked", to: &output)
            }
        }
        finishHead(request, closes: closes, to: &output)
        return output
    }

    static func framing(for request: Request) -> BodyFraming { request.isHTTP10 ? .plain : .chunked }

    private mutating func appendHead(_ status: Int, _ headers: [HeaderField], isHTTP10: Bool, to output: inout [UInt8])
    {
        switch (status, isHTTP10) {
        case (200, false): output.append(contentsOf: Self.okLine)
        case (204, false): output.append(contentsOf: Self.noContentLine)
        default:
            let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
            output.append(contentsOf: "HTTP/1.\(isHTTP10 ? 0 : 1) \(status) \(reason)\r\n".utf8)
        }
        updateDate()
        output.append(contentsOf: dateLine)
        // Two arrays of the same literals are compared in no time: no text of theirs is looked at.
        let isPrepared = headers.count >= prepared.count && headers.suffix(prepared.count).elementsEqual(prepared)
        let others = isPrepared ? headers.dropLast(prepared.count) : headers[...]
        for field in others { Self.append(field.name, field.value, to: &output) }
        if isPrepared { output.append(contentsOf: preparedBytes) }
    }

    private static let okLine = Array("HTTP/1.1 200 OK\r\n".utf8)
    private static let noContentLine = Array("HTTP/1.1 204 No Content\r\n".utf8)

    private func finishHead(_ request: Request, closes: Bool, to output: inout [UInt8]) {
        if closes {
            Self.append("Connection", "close", to: &output)
        } else if request.isHTTP10 {
            Self.append("Connection", "keep-alive", to: &output)
        }
        output.append(contentsOf: "\r\n".utf8)
    }

    private static func append(_ name: String, _ value: String, to output: inout [UInt8]) {
        output.append(contentsOf: name.utf8)
        output.append(contentsOf: ": ".utf8)
        // A value may quote what a client sent; a line end in it would forge a header.
        if value.utf8.allSatisfy(isFieldByte) {
            output.append(contentsOf: value.utf8)
        } else {
            for byte in value.utf8 where isFieldByte(byte) { output.append(byte) }
        }
        output.append(contentsOf: "\r\n".utf8)
    }

    private static func isFieldByte(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == 0x09 }

    /// What `Date` says now.
    mutating func currentDate() -> String {
        updateDate()
        return date
    }

    private mutating func updateDate() {
        let second = time.wallMilliseconds() / 1000
        guard second != dateSecond else { return }
        dateSecond = second
        date = HTTPDate.text(secondsSince1970: second)
        dateLine = Array("Date: \(date)\r\n".utf8)
    }
}
