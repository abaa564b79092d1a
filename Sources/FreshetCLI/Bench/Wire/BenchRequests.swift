import AsyncHTTPClient
import EventSource
import NIOCore
import NIOHTTP1
import ServerSentEvents

/// The requests of a run, and what goes wrong with them.
@available(freshet 0.1, *)
enum BenchRequests {
    /// What is asked of one URL again and again, its URL taken apart once.
    static func template(
        _ method: HTTPMethod,
        _ url: String,
        headers: [(String, String)]
    ) throws -> HTTPClient.Request {
        var fields = HTTPHeaders(headers)
        fields.add(name: "Accept-Encoding", value: "identity")
        return try HTTPClient.Request(url: url, method: method, headers: fields)
    }

    /// A kind of error, for a response other than success.
    static func trouble(status: Int, body: [UInt8]) -> String {
        let response = ServerResponse(status: status, body: body)
        return "answered \(status)" + (response.code.map { " (\($0))" } ?? "")
    }

    /// A kind of error, for a request without a whole response.
    static func trouble(_ error: any Error) -> String { "no whole response: \(TransportTrouble.describe(error))" }
}

/// The head of a response, and the beginning of the body of one that is no success.
@available(freshet 0.1, *)
struct ResponseRecord {
    /// As much as a problem document has.
    private static let mostBytes = 2048

    private(set) var status = 0
    private var body: [UInt8] = []

    /// Whether the response has begun, and well.
    var isSuccess: Bool { (200..<300).contains(status) }

    /// The kind of error that it is; nil for a success.
    var trouble: String? { isSuccess ? nil : BenchRequests.trouble(status: status, body: body) }

    mutating func receive(_ head: HTTPResponseHead) {
        status = Int(head.status.code)
    }

    mutating func receive(_ part: ByteBuffer) {
        guard !isSuccess, body.count < Self.mostBytes else { return }
        body += part.readableBytesView.prefix(Self.mostBytes - body.count)
    }
}

@available(freshet 0.1, *)
extension Measurements {
    /// The head of a reader's response came.
    ///
    /// - Parameter due: When it was asked for.
    func begun(_ record: ResponseRecord, _ head: HTTPResponseHead, due: UInt64, at now: UInt64) {
        spoke(head.protocolName)
        guard record.isSuccess else { return }
        count(.opened, at: now)
        self.record(.open, from: due, to: now)
    }
}

/// The events of a response's body, as its parts arrive.
@available(freshet 0.1, *)
struct EventReading {
    private var parser = EventStreamParser(limits: EventSource.Configuration.freshet.limits)
    /// Why it can be read no further; nil while it can.
    private(set) var trouble: String?

    /// Takes a part, and gives what events it completed.
    mutating func take(_ part: ByteBuffer, _ body: (ServerSentEvent) -> Void) {
        guard trouble == nil else { return }
        do {
            try part.withUnsafeReadableBytes { bytes in
                try parser.parse(bytes) { output in
                    if case .event(let event) = output { body(event) }
                }
            }
        } catch {
            trouble = "no event stream: \(error)"
        }
    }
}

@available(freshet 0.1, *)
extension HTTPResponseHead {
    /// `HTTP/1.1` or `HTTP/2`.
    var protocolName: String { version.major >= 2 ? "HTTP/\(version.major)" : "HTTP/\(version.major).\(version.minor)" }
}
