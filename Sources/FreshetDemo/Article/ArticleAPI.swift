import FoundationEssentials
import FreshetServer
import Locks
import NIOCore
import StreamCore
import StreamHTTP
import TextCodecs

/// The requests behind the article's page.
///
/// `GET /api/chat-stream` is the article's own server, and `?case=` what goes wrong with it; `GET /article/client` is
/// the article's own client in a page that may do nothing but run it. `POST /demo/article` writes the same words into a
/// stream, which is how Freshet does it.
@available(freshet 0.1, *)
final class ArticleAPI: Sendable {
    static let stream = "/api/chat-stream"
    static let client = "/article/client"
    static let prefix = "/demo/article"
    private static let mostAtOnce = 60
    private static let mostRemembered = 200
    private static let longest = Duration.seconds(600)

    private struct State: Sendable {
        /// When an answer that goes on without its readers began.
        var begun: [String: ContinuousClock.Instant] = [:]
        var order: [String] = []
    }

    private let streams: Streams
    private let state = Mutex(State())
    private let places = Places(mostAtOnce)

    init(streams: Streams) {
        self.streams = streams
    }

    static func has(_ path: String) -> Bool { [stream, client, prefix].contains(path) }

    /// How the request is answered; nil when it is not for the article.
    func plan(_ request: RouteRequest) -> RequestPlan? {
        switch request.target.rawPath {
        case Self.stream:
            guard request.head.method == .GET else { return .respond(Response(.method(allowed: "GET, OPTIONS"))) }
            return chatStream(request)
        case Self.client:
            guard request.head.method == .GET else { return .respond(Response(.method(allowed: "GET, OPTIONS"))) }
            return .respond(ArticleClient.page(request))
        case Self.prefix:
            guard request.head.method == .POST else { return .respond(Response(.method(allowed: "POST, OPTIONS"))) }
            if request.facts.isDraining { return .respond(Response(.draining)) }
            let base = request.basePath
            return .collect(limit: 1_000) { [self] body in .response(await tell(body).located(under: base)) }
        default: return nil
        }
    }

    // MARK: As the article does it

    private func chatStream(_ request: RouteRequest) -> RequestPlan {
        let wanted = request.target.values("case").first ?? ArticleCase.hello.rawValue
        guard let article = ArticleCase(rawValue: wanted) else { return .respond(Response(Self.malformed)) }
        let run = request.target.values("run").first ?? ""
        return .exchange(
            ExchangePlan(bodyLimit: 0) { [self] _, writer in
                let hasRun = try await places.hold {
                    try await writer.head(200, Self.fields)
                    try await write(article, begun: begun(run), to: writer)
                }
                if !hasRun { try await writer.respond(Response(Self.busy)) }
            }
        )
    }

    private func write(
        _ article: ArticleCase,
        begun: ContinuousClock.Instant,
        to writer: ResponseWriter
    ) async throws {
        let clock = EventLoopClock()
        var start = clock.now
        var words = article.words[...]
        if article == .lost {
            // The answer went on while nobody was connected: what was said then is over.
            words = words.dropFirst(Int((start - begun) / article.interval))
            start = begun + article.interval * (article.words.count - words.count)
        }
        // The browser's own patience is 3 to 5 s: a visitor's is shorter.
        if article == .again || article == .lost { try await writer.write(ByteBuffer(string: "retry: 500\n\n")) }
        for (index, word) in words.enumerated() {
            try await clock.sleep(until: start + article.interval * index)
            try await writer.write(ByteBuffer(string: article.event(word)))
            if article == .lost, word == " 8" { return writer.cut() }
        }
        if article == .again {
            try await clock.sleep(for: .seconds(1))
            return writer.cut()
        }
        // DO NOT call res.end(), the article says.
        try await clock.sleep(for: Self.longest)
    }

    private func begun(_ run: String) -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        guard !run.isEmpty, run.utf8.count <= 64 else { return now }
        return state.withLock { state in
            if let begun = state.begun[run] { return begun }
            if state.order.count == Self.mostRemembered { state.begun[state.order.removeFirst()] = nil }
            state.order.append(run)
            state.begun[run] = now
            return now
        }
    }

    /// The article's header, and leave for the page that may do nothing: its origin is none.
    private static let fields = [
        HeaderField("Content-Type", "text/event-stream"), HeaderField("Cache-Control", "no-store"),
        HeaderField("Access-Control-Allow-Origin", "*"),
    ]

    // MARK: As Freshet does it

    private func tell(_ body: [UInt8]) async -> Response {
        guard let wish = try? JSONDecoder().decode(ArticleWish.self, from: Data(body)),
            let article = ArticleCase(rawValue: wish.case), article != .held,
            let name = try? StreamName("demo/article/\(RandomToken.text())")
        else { return Response(Self.malformed) }
        guard places.take() else { return Response(Self.busy) }
        let options = StreamOptions(contentType: .eventStream, expiry: .idle(seconds: 120), leaseSeconds: 30)
        do {
            _ = try await streams.create(name, CreateRequest(options: options))
        } catch {
            places.free()
            return Response(DemoFailure.store(error).asProblem)
        }
        let pieces = article.words.enumerated().map { index, word in
            TimedPiece(due: article.interval * index, bytes: [UInt8](word.utf8))
        }
        let producer = TimedProducer(streams: streams, name: name, pieces: pieces)
        Task.detached { [places] in
            await producer.run()
            places.free()
        }
        return Response(
            201,
            headers: [
                HeaderField("Content-Type", "application/json"), HeaderField("Cache-Control", "no-store"),
                HeaderField("Location", "/v1/stream/\(name)"),
            ],
            body: JSONWriter.object { $0.member("stream", "/v1/stream/\(name)") }
        )
    }

    private static let malformed = Problem(
        400,
        "invalid-case",
        title: "There is no such case",
        detail: "The cases are \(ArticleCase.allCases.map(\.rawValue).joined(separator: ", "))."
    )

    private static let busy = Problem(
        429,
        "too-many-answers",
        title: "Too many answers in progress",
        detail: "\(mostAtOnce) answers are being written. Close some pages, or wait.",
        headers: [HeaderField("Retry-After", "5")]
    )
}

@available(freshet 0.1, *)
private struct ArticleWish: Decodable {
    var `case`: String
}
