import StreamCore
import StreamHTTP

@available(freshet 0.1, *)
extension EventStream {
    /// What a stream is created with.
    public struct Options: Sendable, Hashable {
        /// The media type, which says what an event is: for `text/event-stream` an event with a type and data, for
        /// `application/json` and `application/x-ndjson` one JSON value, for other `text/*` a piece of text, for
        /// everything else bytes.
        public var contentType = "text/event-stream"
        /// When it goes away by itself; nil for never.
        public var expiry: Expiry?
        /// How long its producer may be silent before it ends as `abandoned`; nil for ever. Whole seconds from 1 to a
        /// year; fractions are rounded up.
        public var lease: Duration?
        /// How much of it is kept; what is over is taken from its start.
        public var retention = Retention()
        /// Header fields that the plain form (`?as=plain`) of the stream is sent with, such as
        /// `["x-vercel-ai-ui-message-stream": "v1"]`: up to 8, 1 KB together, their names beginning with `x-`. None may
        /// rule a page, a browser or a proxy; values are printable ASCII without commas.
        public var responseHeaders: [String: String] = [:]

        /// When a stream goes away by itself. One that is followed or written to does not.
        public enum Expiry: Sendable, Hashable {
            /// So long after the last read or write. Whole seconds; fractions are rounded up.
            case idle(Duration)
            /// At a moment, in seconds since 1970.
            case at(secondsSince1970: Double)
        }

        /// Bounds on what is kept of one stream; nil means no bound.
        public struct Retention: Sendable, Hashable {
            /// Events older than this are taken. Whole seconds; fractions are rounded up.
            public var age: Duration?
            /// The most bytes of event data.
            public var bytes: Int?
            /// The most events.
            public var events: Int?

            /// Everything is kept, unless a bound is given.
            public init(age: Duration? = nil, bytes: Int? = nil, events: Int? = nil) {
                self.age = age
                self.bytes = bytes
                self.events = events
            }
        }

        /// A stream of server-sent events that is kept until it is deleted.
        public init(
            contentType: String = "text/event-stream",
            expiry: Expiry? = nil,
            lease: Duration? = nil,
            retention: Retention = Retention(),
            responseHeaders: [String: String] = [:]
        ) {
            self.contentType = contentType
            self.expiry = expiry
            self.lease = lease
            self.retention = retention
            self.responseHeaders = responseHeaders
        }
    }
}

@available(freshet 0.1, *)
extension EventStream.Options {
    init(_ core: StreamOptions) {
        self.init(
            contentType: core.contentType.text,
            expiry: core.expiry.map { expiry in
                switch expiry {
                case .idle(let seconds): .idle(.seconds(seconds))
                case .at(let milliseconds): .at(secondsSince1970: Double(milliseconds) / 1000)
                }
            },
            lease: core.leaseSeconds.map { .seconds($0) },
            retention: Retention(
                age: core.retention.seconds.map { .seconds($0) },
                bytes: core.retention.bytes,
                events: core.retention.events
            ),
            responseHeaders: Dictionary(uniqueKeysWithValues: core.responseFields.map { ($0.name, $0.value) })
        )
    }

    func core() throws(EventStreamError) -> StreamOptions {
        guard let type = ContentType(contentType) else {
            throw EventStreamError(.invalidOptions, "`\(contentType)` is no media type; write it as type/subtype.")
        }
        var options = StreamOptions(contentType: type)
        if let lease { options.leaseSeconds = try Self.leaseSeconds(lease) }
        switch expiry {
        case .idle(let time): options.expiry = .idle(seconds: try Self.seconds(time, "expiry", 0...4_000_000_000))
        case .at(let seconds):
            guard seconds >= 0, seconds < 253_402_300_800 else {
                throw EventStreamError(.invalidOptions, "The expiry is \(seconds); it should be from 1970 to 9999.")
            }
            options.expiry = .at(wallMilliseconds: UInt64(seconds * 1000))
        case nil: break
        }
        for (name, value) in [("bytes", retention.bytes), ("events", retention.events)] {
            guard let value, value < 1 else { continue }
            throw EventStreamError(.invalidOptions, "Retention keeps \(value) \(name); it should be above 0.")
        }
        options.retention = StreamCore.Retention(bytes: retention.bytes, events: retention.events)
        if let age = retention.age {
            options.retention.seconds = try Self.seconds(age, "age of retention", 1...(Int64.max / 1000))
        }
        guard let fields = PlainResponseFields.checked(responseHeaders.map { ($0.key, $0.value) }) else {
            throw EventStreamError(.invalidOptions, "responseHeaders should be \(PlainResponseFields.expected).")
        }
        options.responseFields = fields
        return options
    }

    static func leaseSeconds(_ lease: Duration) throws(EventStreamError) -> Int {
        try seconds(lease, "lease", 1...31_536_000)
    }

    private static func seconds(
        _ duration: Duration,
        _ what: String,
        _ allowed: ClosedRange<Int64>
    ) throws(EventStreamError) -> Int {
        let (whole, fraction) = duration.components
        let seconds = fraction > 0 ? whole + 1 : whole
        guard allowed.contains(seconds) else {
            throw EventStreamError(
                .invalidOptions,
                "The \(what) is \(duration); it should be from \(allowed.lowerBound) to \(allowed.upperBound) seconds."
            )
        }
        return Int(seconds)
    }
}
