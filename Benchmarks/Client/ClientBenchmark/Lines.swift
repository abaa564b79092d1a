import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What a program without a client of events does: it takes lines as they come and looks at their first word. It does not
/// reconnect, and knows neither ids nor other line ends than LF.
@available(freshet 0.1, *)
func readLines(_ url: String) async throws -> Tally {
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "Accept", value: "text/event-stream")
    let response = try await HTTPClient.shared.execute(request, deadline: .distantFuture)
    var tally = Tally()
    var line: [UInt8] = []
    var type = ""
    var data: [String] = []
    for try await byte in Bytes(body: response.body) {
        guard byte == UInt8(ascii: "\n") else {
            line.append(byte)
            continue
        }
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        if text.isEmpty {
            if type == "end" { break }
            if !data.isEmpty { tally.count(data.joined(separator: "\n")) }
            type = ""
            data = []
        } else if text.hasPrefix("data: ") {
            data.append(String(text.dropFirst(6)))
        } else if text.hasPrefix("event: ") {
            type = String(text.dropFirst(7))
        }
    }
    return tally
}

/// A body byte for byte.
@available(freshet 0.1, *)
private struct Bytes: AsyncSequence {
    let body: HTTPClientResponse.Body

    func makeAsyncIterator() -> Iterator { Iterator(pieces: body.makeAsyncIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        var pieces: HTTPClientResponse.Body.AsyncIterator
        private var piece = ByteBuffer()

        init(pieces: HTTPClientResponse.Body.AsyncIterator) {
            self.pieces = pieces
        }

        mutating func next() async throws -> UInt8? {
            try await next(isolation: nil)
        }

        // Where the caller runs: a byte that is there must not cost a change of the executor.
        mutating func next(isolation actor: isolated (any Actor)?) async throws -> UInt8? {
            while true {
                if let byte = piece.readInteger(as: UInt8.self) { return byte }
                guard let next = try await pieces.next(isolation: actor) else { return nil }
                piece = next
            }
        }
    }
}
