import ServerSentEvents
import TextCodecs

/// An incremental parser of Freshet's NDJSON: a line is `{"id":"..","event":"..","data":..}`, an empty one a heartbeat.
@available(freshet 0.1, *)
struct EventLineParser: Sendable {
    enum Failure: Error, Equatable, CustomStringConvertible {
        case lineTooLong(limit: Int)
        case notAnEvent(line: Int)

        var description: String {
            switch self {
            case .lineTooLong(let limit): "a line has more than \(limit) bytes"
            case .notAnEvent(let line): "line \(line) is not an event of NDJSON"
            }
        }
    }

    private let limit: Int
    /// The start of a line whose end has not come yet. Its bytes have been searched and are not searched again.
    private var partial: [UInt8] = []
    private var lines = 0
    private(set) var lastEventID: String

    init(limit: Int, lastEventID: String) {
        self.limit = limit
        self.lastEventID = lastEventID
    }

    mutating func parse(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (EventStreamParser.Output) -> Void
    ) throws(Failure) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            try extend(rest[..<end])
            rest = rest[(end + 1)...]
            lines += 1
            let line = partial
            partial = []
            body(try output(line))
        }
        try extend(rest)
    }

    private mutating func extend(_ bytes: Slice<UnsafeRawBufferPointer>) throws(Failure) {
        guard partial.count + bytes.count <= limit else { throw .lineTooLong(limit: limit) }
        partial.append(contentsOf: bytes)
    }

    private mutating func output(_ line: [UInt8]) throws(Failure) -> EventStreamParser.Output {
        if line.isEmpty { return .comment("") }
        let object = JSONSlice(line)
        guard let data = object["data"] else { throw .notAnEvent(line: lines) }
        if let id = object["id"]?.string { lastEventID = id }
        return .event(
            ServerSentEvent(
                type: object["event"]?.string ?? "message",
                data: String(decoding: data.raw, as: UTF8.self),
                lastEventID: lastEventID
            )
        )
    }
}
