package import StreamCore
package import StreamHTTP
import TextCodecs

/// What the routes of streams obey.
@available(freshet 0.1, *)
package struct StreamRoutesConfiguration: Sendable {
    /// The most bytes of an atomic body.
    package var bodyBytes: Int
    package var pieces: PieceLimits
    /// Where a POST to a name that does not exist creates the stream.
    package var createOnPost: [StreamPrefix]
    /// Where catch-up reads may be kept by shared caches.
    package var publicCache: [StreamPrefix]
    /// Whether reads that follow say `Content-Encoding: identity`.
    package var identityEncoding: Bool
    /// The most bytes of one catch-up response.
    package var pageBytes: Int

    package init(
        bodyBytes: Int,
        pieces: PieceLimits,
        createOnPost: [StreamPrefix],
        publicCache: [StreamPrefix],
        identityEncoding: Bool = false,
        pageBytes: Int = 1 << 20
    ) {
        self.bodyBytes = bodyBytes
        self.pieces = pieces
        self.createOnPost = createOnPost
        self.publicCache = publicCache
        self.identityEncoding = identityEncoding
        self.pageBytes = pageBytes
    }
}

/// The routes under `/v1/stream/`: one stream each.
///
/// A class, for every plan holds its routes: as a value each of them was a copy of all that these hold.
@available(freshet 0.1, *)
package final class StreamRoutes: Sendable {
    package static let prefix = "/v1/stream/"
    static let methods = "GET, HEAD, PUT, POST, DELETE, OPTIONS"

    let plane: StreamPlane
    let configuration: StreamRoutesConfiguration
    let time: any TimeSource
    /// The longest `retry` a farewell carries is jittered, so that a crowd does not come back as one.
    let jitter: @Sendable (ClosedRange<Int>) -> Int
    /// What others measured of a stream.
    let figures: @Sendable (StreamName) async -> [StreamFigures]
    /// Whether a stream is written by the server itself, and by no request.
    let isOurs: @Sendable (StreamName) -> Bool

    package init(
        plane: StreamPlane,
        configuration: StreamRoutesConfiguration,
        time: any TimeSource = SystemTime(),
        jitter: @escaping @Sendable (ClosedRange<Int>) -> Int = { Int.random(in: $0) },
        figures: @escaping @Sendable (StreamName) async -> [StreamFigures] = { _ in [] },
        isOurs: @escaping @Sendable (StreamName) -> Bool = { _ in false }
    ) {
        self.plane = plane
        self.configuration = configuration
        self.time = time
        self.jitter = jitter
        self.figures = figures
        self.isOurs = isOurs
    }

    var streams: Streams { plane.streams }

    /// How a request is answered; nil when it is for another path.
    func plan(_ request: RouteRequest, _ caller: RouteCaller) -> RequestPlan? {
        guard let suffix = request.target.pathSuffix(after: Self.prefix) else { return nil }
        do throws(Problem) {
            let name = try Self.name(suffix)
            if name.isReserved { throw .reservedName }
            switch request.head.method {
            case .GET: return try read(name, request, caller).held(by: caller.grant(.read, name.text))
            case .HEAD: return try inspect(name, caller)
            case .PUT: return try create(name, request, caller)
            case .POST: return try append(name, request, caller)
            case .DELETE: return try remove(name, request, caller)
            default: throw .method(allowed: Self.methods)
            }
        } catch {
            return .respond(Response(error))
        }
    }

    /// Whether a request only ends something or takes it away: it is never refused by a quota.
    static func frees(_ request: RouteRequest) -> Bool {
        guard request.target.pathSuffix(after: prefix) != nil else { return false }
        switch request.head.method {
        case .DELETE: return true
        case .POST: return request.headers.isCancelling || request.headers.isClosing && !request.hasBody
        default: return false
        }
    }

    private static func name(_ suffix: String?) throws(Problem) -> StreamName {
        guard let suffix else {
            throw Problem(
                400,
                "bad-name",
                title: "Invalid stream name",
                detail: "The path is not percent-encoded UTF-8."
            )
        }
        if suffix == "__ds" || suffix.begins(withBytesOf: "__ds/") {
            throw Problem(
                501,
                "no-subscriptions",
                title: "Subscriptions not supported",
                detail: "The names under __ds are reserved by the Durable Streams protocol for its subscription APIs."
            )
        }
        do throws(StreamName.Invalid) {
            return try StreamName(suffix)
        } catch {
            let reason =
                switch error {
                case .empty: "It is empty."
                case .tooLong: "It is longer than \(StreamName.maximumBytes) bytes."
                case .emptySegment: "It has an empty segment: names may not begin or end with `/` or contain `//`."
                case .dotSegment: "It has a `.` or `..` segment, which clients and proxies resolve."
                case .controlCharacter: "It contains a control character."
                }
            throw Problem(400, "bad-name", title: "Invalid stream name", detail: reason)
        }
    }

    /// Header fields and status of what is known of a stream without reading it.
    private func inspect(_ name: StreamName, _ caller: RouteCaller) throws(Problem) -> RequestPlan {
        if let problem = caller.refusal(.read, name.text) { throw problem }
        return .act { [self] in
            do throws(StoreError) {
                guard let info = try await streams.info(name) else { return .response(await missing(name)) }
                let fields =
                    StreamFields.options(info.options) + [StreamFields.nextOffset(info.tail)]
                    + StreamFields.end(info.end) + [StreamFields.earliestOffset(info.floor), StreamFields.noStore]
                return .response(Response(200, headers: fields + (await figures(name)).map(\.header)))
            } catch {
                return .response(Response(Problem(error)))
            }
        }
    }

    /// The response where there is no such stream: 404, or 410 while the name is kept for forks.
    func missing(_ name: StreamName) async -> Response { Response(await absence(of: name)) }

    func absence(of name: StreamName) async -> Problem {
        do throws(StoreError) {
            return try await streams.isSoftDeleted(name) ? .softDeleted(name) : .unknownStream(name)
        } catch {
            return Problem(error)
        }
    }

    private func remove(
        _ name: StreamName,
        _ request: RouteRequest,
        _ caller: RouteCaller
    ) throws(Problem) -> RequestPlan {
        if let problem = caller.refusal(.delete, name.text) { throw problem }
        return .act { [self] in
            do throws(StoreError) {
                let wasThere = try await streams.remove(name)
                return .response(wasThere ? Response(204) : await missing(name))
            } catch {
                return .response(Response(Problem(error)))
            }
        }
    }
}
