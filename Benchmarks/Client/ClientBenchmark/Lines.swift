import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What a program without a client of events does: it takes lines as they come and looks at their first word. It does not
/// reconnect, and knows neither ids nor other line ends than LF.
func readLines(_ url: String) async throws -> Tally {
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "Accept", value: "text/event-stream")
    let response = try await HTTPClient.shared.execute(request, deadline: .distantFuture)
    var tally = Tally()
    var lines = Lines(bytes: response.body.makeAsyncIterator())
    var type = ""
    var data: [String] = []
    while let line = try await lines.next() {
        if line.isEmpty {
            if type == "end" { break }
            if !data.isEmpty { tally.count(data.joined(separator: "\n")) }
            type = ""
            data = []
        } else if line.hasPrefix("data: ") {
            data.append(String(line.dropFirst(6)))
        } else if line.hasPrefix("event: ") {
            type = String(line.dropFirst(7))
        }
    }
    return tally
}

/// The lines of a body that is read byte for byte.
private struct Lines {
    var bytes: HTTPClientResponse.Body.AsyncIterator
    private var piece = ByteBuffer()

    init(bytes: HTTPClientResponse.Body.AsyncIterator) {
        self.bytes = bytes
    }

    mutating func next() async throws -> String? {
        var line: [UInt8] = []
        while let byte = try await nextByte() {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    private mutating func nextByte() async throws -> UInt8? {
        while true {
            if let byte = piece.readInteger(as: UInt8.self) { return byte }
            guard let next = try await bytes.next() else { return nil }
            piece = next
        }
    }
}
