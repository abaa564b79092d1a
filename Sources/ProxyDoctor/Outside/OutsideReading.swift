import ServerSentEvents

/// One read of an event stream of which nothing is known: its events, comments and bytes, each with when it came.
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
    /// When comments came: heartbeats, mostly.
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
        var parser = EventStreamParser()
        for piece in recording.pieces {
            let bytes = inflater?.inflate(piece.bytes) ?? piece.bytes
            flow.append(StreamObservation.Flow(at: piece.at, bytes: bytes.count))
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

    package var isStream: Bool { head?.status == 200 && head?.mediaType == "text/event-stream" }

    /// The longest time without a byte, in milliseconds, and how long it lasted up to the end.
    package var silence: (longest: Double, last: Double) {
        let moments = [headAt ?? sentAt] + flow.map(\.at) + [endAt]
        let gaps = zip(moments, moments.dropFirst()).map { $1 - $0 }
        return (gaps.max() ?? 0, gaps.last ?? 0)
    }
}
