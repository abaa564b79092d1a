import ContentCodings
import ServerSentEvents

/// One read of a stream of which nothing is known: its events or lines, comments and bytes, each with when it came.
@available(freshet 0.1, *)
package struct OutsideReading: Sendable {
    package struct Event: Sendable, Equatable {
        /// The id that its block set or kept.
        package var id: String
        package var type: String
        package var data: String
        package var at: Double

        package init(id: String, type: String = "message", data: String, at: Double) {
            self.id = id
            self.type = type
            self.data = data
            self.at = at
        }
    }

    package var sentAt: Double
    package var head: ResponseHead?
    package var headAt: Double?
    package var events: [Event] = []
    /// When comments or empty lines came: heartbeats, mostly.
    package var comments: [Double] = []
    package var flow: [StreamObservation.Flow] = []
    package var isReadable = true
    package var end: ResponseEnd
    package var endAt: Double
    /// The beginning of a body that is no event stream, for a message.
    package var beginning = ""

    package init(sentAt: Double, head: ResponseHead? = nil, headAt: Double? = nil, end: ResponseEnd, endAt: Double) {
        self.sentAt = sentAt
        self.head = head
        self.headAt = headAt
        self.end = end
        self.endAt = endAt
    }

    package init(_ recording: Recording) {
        self.init(
            sentAt: recording.sentAt,
            head: recording.head,
            headAt: recording.headAt,
            end: recording.end,
            endAt: recording.endAt
        )
        beginning = String(decoding: recording.body.prefix(200), as: UTF8.self)
        guard isStream else { return }
        let coding = head?.coding
        let inflater = coding.flatMap { Decompression.of($0) }
        isReadable = coding == nil || inflater != nil
        // What it holds is recorded already: any server's longest event is read.
        var parser = EventStreamParser(limits: .init(lineBytes: .max, eventBytes: .max))
        var line: [UInt8] = []
        for piece in recording.pieces {
            let bytes = inflater?.inflate(piece.bytes) ?? piece.bytes
            flow.append(StreamObservation.Flow(at: piece.at, bytes: bytes.count))
            if isLines {
                if isReadable { read(bytes, at: piece.at, into: &line) }
                continue
            }
            guard isReadable, let outputs = try? parser.parse(bytes) else { continue }
            for output in outputs {
                switch output {
                case .event(let event):
                    events.append(Event(id: event.lastEventID, type: event.type, data: event.data, at: piece.at))
                case .comment: comments.append(piece.at)
                case .retry: break
                }
            }
        }
    }

    /// What is longer is no line that anybody reads; it is cut there.
    private static let longestLine = 1 << 20

    private mutating func read(_ bytes: [UInt8], at moment: Double, into line: inout [UInt8]) {
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if line.count < Self.longestLine { line.append(byte) }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty {
                comments.append(moment)
            } else {
                events.append(Event(id: "", data: String(decoding: line, as: UTF8.self), at: moment))
            }
            line = []
        }
    }

    private static let typesOfLines: Set = [
        "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines", "application/stream+json",
    ]

    /// Whether each line is an event, as in NDJSON.
    package var isLines: Bool { head?.mediaType.map(Self.typesOfLines.contains) ?? false }

    package var isStream: Bool { head?.status == 200 && (isLines || head?.mediaType == "text/event-stream") }

    /// The longest time without a byte, in milliseconds, and how long it lasted up to the end.
    package var silence: (longest: Double, last: Double) {
        let moments = [headAt ?? sentAt] + flow.map(\.at) + [endAt]
        let gaps = zip(moments, moments.dropFirst()).map { $1 - $0 }
        return (gaps.max() ?? 0, gaps.last ?? 0)
    }
}
