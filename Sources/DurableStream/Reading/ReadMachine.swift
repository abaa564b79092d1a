import EventSource
import ServerSentEvents

/// Every decision of a reader: what to request, what a response means, what is shown, when to come back.
///
/// It does no I/O and reads no clock: each method is told what happened and when, and returns what to do. Nothing of a
/// response is shown before it is whole, and the position moves only with what is shown.
///
/// ```
/// catch-up ──up to date──▶ live, if asked ──┐
///    │  ▲                   │ │ ▲           │
///    │  └── not up to date ─┘ │ └── news ───┘
///    │                        └── no more in an event stream ──▶ catch-up, for the reason of the end
///    └── closed ──▶ finished
/// ```
@available(freshet 0.1, *)
struct ReadMachine<Random: RandomNumberGenerator & Sendable>: Sendable {
    enum Form: Sendable, Hashable { case catchUp, longPoll, serverSentEvents }

    struct Request: Equatable, Sendable {
        var url: String
        var form: Form
    }

    /// What comes after a response, or after none.
    enum Next: Equatable, Sendable {
        case send(Request)
        /// Wait, then ask for the ``ReadMachine/request(at:)``.
        case wait(until: Duration)
        case finish
        case fail(DurableStreamError)
    }

    /// What to do about the head of a response with status 200.
    enum HeadAction: Equatable, Sendable {
        /// Read the whole body.
        case collect
        /// Hand the body over as it arrives.
        case follow
        case leave(Next)
    }

    /// How a response ended that was followed.
    enum Disconnection: Equatable, Sendable {
        case endOfBody
        case failed(String)
    }

    /// Responses without news that come faster than this are no waiting.
    private static var shortestWait: Duration { .seconds(1) }

    private let target: Target
    private let options: DurableStream.ReadOptions
    private var offset: DurableStream.Offset
    private var cursor: String?
    private var form = Form.catchUp
    private var refused: Set<Form> = []
    private var retries: Retries<Random>
    private var sentAt = Duration.zero
    private var contentType = ""
    /// The head of the response that is being read.
    private var head: StreamResponse?
    private var events: FollowedEvents?
    /// That the reader is up to date was told.
    private var hasCaughtUp = false
    /// An event stream said that nothing follows, but not why.
    private var knowsEnd = false

    init(
        target: Target,
        from offset: DurableStream.Offset,
        options: DurableStream.ReadOptions,
        configuration: DurableStream.Configuration,
        random: Random
    ) {
        self.target = target
        self.options = options
        self.offset = offset
        retries = Retries(
            base: configuration.retryBase,
            maximum: configuration.retryMaximum,
            patience: options.givesUpAfter,
            random: random
        )
    }

    /// The next request.
    mutating func request(at now: Duration) -> Request {
        sentAt = now
        // In the order of their names, for caches.
        var url = target
        if form != .catchUp, let cursor { url = url.adding(query: "cursor", cursor) }
        switch form {
        case .catchUp: if let limit = options.pageEvents { url = url.adding(query: "limit", "\(limit)") }
        case .longPoll: url = url.adding(query: "live", "long-poll")
        case .serverSentEvents: url = url.adding(query: "live", "sse")
        }
        return Request(url: url.adding(query: "offset", offset.rawValue).url, form: form)
    }

    /// The head of a response with status 200.
    mutating func opened(_ response: StreamResponse, at now: Duration) -> HeadAction {
        if let coding = response.coding {
            let message =
                "\(target.url) answered in the coding '\(coding)', which was not asked for: something on the way "
                + "compresses (freshet doctor finds it)"
            return .leave(.fail(DurableStreamError(.contentEncoding, message, status: response.status)))
        }
        if form == .serverSentEvents {
            guard StreamKind(response.header("content-type") ?? "") == .eventStream else {
                return .leave(refuse(response, at: now))
            }
            events = FollowedEvents(
                kind: StreamKind(contentType),
                isBase64: response.header("stream-sse-data-encoding")?.lowercased() == "base64",
                limit: options.maximumChunkBytes
            )
            return .follow
        }
        guard isPosition(response.nextOffset) else {
            return .leave(.fail(.foreign(target.url, status: response.status)))
        }
        head = response
        contentType = response.header("content-type") ?? ""
        return .collect
    }

    /// The whole body of a response with status 200.
    mutating func collected(_ bytes: [UInt8], at now: Duration) -> (chunk: DurableStream.Chunk?, next: Next) {
        guard let head, let position = head.nextOffset else { preconditionFailure("a body has a head") }
        self.head = nil
        var part = ChunkBytes(kind: StreamKind(contentType))
        do {
            try part.append(bytes)
        } catch {
            let message = "\(target.url) answered with what is no whole \(contentType): \(error)"
            return (nil, .fail(DurableStreamError(.invalidResponse, message, status: head.status)))
        }
        return read(part, head, to: DurableStream.Offset(rawValue: position), at: now)
    }

    /// A whole response with another status than 200.
    mutating func answered(_ response: StreamResponse, at now: Duration) -> (chunk: DurableStream.Chunk?, next: Next) {
        switch response.status {
        case 204:
            if isPosition(response.nextOffset) {
                // What is told is the tail, and this reader may not be there: only one that asked for it takes it.
                let position =
                    offset.isSentinel ? DurableStream.Offset(rawValue: response.nextOffset ?? "") : offset
                return read(ChunkBytes(kind: StreamKind(contentType)), response, to: position, at: now)
            }
            return (nil, .fail(.foreign(target.url, status: 204)))
        case 400, 405, 406, 501: return (nil, refuse(response, at: now))
        case 404 where knowsEnd, 410 where knowsEnd:
            // It was deleted before it said how it ended.
            let end = DurableStream.End(reason: nil)
            return (DurableStream.Chunk(bytes: [], nextOffset: offset, isUpToDate: true, end: end), .finish)
        default:
            guard response.isPassing else { return (nil, .fail(DurableStreamError(response, url: target.url))) }
            let least = response.retryAfter ?? .zero
            return (nil, retry(response.problem, atLeast: least, status: response.status, at: now))
        }
    }

    /// No response, or a torn one.
    mutating func failed(_ reason: String, at now: Duration) -> Next {
        head = nil
        return retry(reason, at: now)
    }

    /// Bytes of a response that is followed.
    ///
    /// - Returns: What to do instead of reading on.
    mutating func received(
        _ bytes: [UInt8],
        at now: Duration,
        into chunks: inout [DurableStream.Chunk]
    ) -> Next? {
        guard var events else { preconditionFailure("these are the bytes of a response that is followed") }
        self.events = nil
        let outputs: [FollowedEvents.Output]
        do throws(FollowedEvents.Failure) {
            outputs = try events.parse(bytes)
        } catch {
            let code: DurableStreamError.Code = error.isTooLong ? .limitExceeded : .invalidResponse
            return .fail(DurableStreamError(code, "\(target.url): \(error)", status: 200))
        }
        for output in outputs {
            retries.succeeded()
            guard isPosition(output.nextOffset) else { return .fail(.foreign(target.url, status: 200)) }
            let position = DurableStream.Offset(rawValue: output.nextOffset)
            let isNews = !output.part.isEmpty || position != offset || (output.isUpToDate && !hasCaughtUp)
            offset = position
            cursor = output.cursor ?? cursor
            hasCaughtUp = hasCaughtUp || output.isUpToDate
            if isNews {
                chunks.append(
                    DurableStream.Chunk(
                        bytes: output.part.bytes,
                        values: output.part.values,
                        nextOffset: position,
                        isUpToDate: output.isUpToDate || output.isClosed
                    )
                )
            }
            guard output.isClosed else { continue }
            knowsEnd = true
            form = .catchUp
            return .send(request(at: now))
        }
        self.events = events
        return nil
    }

    /// A response that was followed ended; what was begun in it is asked for again.
    mutating func ended(_ how: Disconnection, at now: Duration) -> Next {
        events = nil
        switch how {
        case .endOfBody where now - sentAt >= Self.shortestWait: return .send(request(at: now))
        case .endOfBody: return .wait(until: sentAt + Self.shortestWait)
        case .failed(let reason): return retry(reason, at: now)
        }
    }

    /// What a whole response has told.
    private mutating func read(
        _ part: ChunkBytes,
        _ response: StreamResponse,
        to position: DurableStream.Offset,
        at now: Duration
    ) -> (chunk: DurableStream.Chunk?, next: Next) {
        retries.succeeded()
        cursor = response.header("stream-cursor") ?? cursor
        let isStill = part.isEmpty && position == offset
        let isUpToDate =
            response.header("stream-up-to-date")?.lowercased() == "true" || response.isClosed || isStill
        // That nothing follows was told before, by a server that does not say why.
        let end = response.end ?? (knowsEnd && isUpToDate ? DurableStream.End(reason: nil) : nil)
        let isNews = !isStill || end != nil || (isUpToDate && !hasCaughtUp)
        let chunk = DurableStream.Chunk(
            bytes: part.isEmpty ? [] : part.bytes,
            values: part.values,
            nextOffset: position,
            isUpToDate: isUpToDate,
            isAfterGap: response.header("stream-gap")?.lowercased() == "true",
            end: end
        )
        offset = position
        hasCaughtUp = hasCaughtUp || isUpToDate
        let shown = isNews ? chunk : nil
        if end != nil || (isUpToDate && options.live == .never) { return (shown, .finish) }
        let before = form
        form = isUpToDate ? liveForm : before
        if isStill, form == before, now - sentAt < Self.shortestWait {
            return (shown, .wait(until: sentAt + Self.shortestWait))
        }
        return (shown, .send(request(at: now)))
    }

    /// How it is followed.
    private var liveForm: Form {
        switch options.live {
        case .never: return .catchUp
        case .longPoll: return .longPoll
        case .serverSentEvents: return .serverSentEvents
        case .automatic:
            let first: Form = StreamKind(contentType) == .json ? .serverSentEvents : .longPoll
            return refused.contains(first) ? (first == .longPoll ? .serverSentEvents : .longPoll) : first
        }
    }

    /// The server does not give this form, or takes nothing of this request.
    private mutating func refuse(_ response: StreamResponse, at now: Duration) -> Next {
        let isSuccess = response.isSuccess
        if options.live == .automatic, form != .catchUp {
            refused.insert(form)
            let other = liveForm
            if !refused.contains(other) {
                form = other
                return .send(request(at: now))
            }
        }
        guard !isSuccess else {
            let type = response.header("content-type") ?? "nothing"
            let message = "\(target.url) answered with \(type), not with server-sent events"
            return .fail(DurableStreamError(.invalidResponse, message, status: response.status))
        }
        return .fail(DurableStreamError(response, url: target.url))
    }

    private mutating func retry(
        _ reason: String,
        atLeast least: Duration = .zero,
        status: Int? = nil,
        at now: Duration
    ) -> Next {
        guard let time = retries.failed(atLeast: least, at: now) else {
            let patience = options.givesUpAfter?.words ?? ""
            let message = "\(target.url): gave up after \(patience): \(reason)"
            return .fail(DurableStreamError(.unreachable, message, status: status))
        }
        return .wait(until: time)
    }

    /// A server gives no position that stands for another.
    private func isPosition(_ offset: String?) -> Bool {
        guard let offset, !offset.isEmpty else { return false }
        return !DurableStream.Offset(rawValue: offset).isSentinel
    }
}
