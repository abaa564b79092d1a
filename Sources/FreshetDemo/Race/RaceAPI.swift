import FoundationEssentials
import FreshetServer
import Locks
import NIOCore
import StreamCore
import StreamHTTP
import TextCodecs

/// The requests behind the race's page.
///
/// `POST /demo/races` begins one: `{"seconds":5,"bytes":2000000}`. Its SSE lane is a stream, whose producer starts
/// then. `GET /demo/races/{id}/json`, `/chunked` and `/ndjson` are the other lanes, `GET /demo/races/{id}` tells how
/// often the answer had to be made for each, and `GET /demo/trap/json`, `/ndjson` and `/partial` are the JSON trap.
@available(freshet 0.1, *)
final class RaceAPI: Sendable {
    static let prefix = "/demo/races"
    static let trapPrefix = "/demo/trap/"
    private static let mostAtOnce = 40
    private static let mostRemembered = 200
    /// Seconds after which the stream of a race that nobody reads is forgotten.
    private static let idleSeconds = 120

    private struct Race: Sendable {
        var answer: RaceAnswer
        var made: [String: Int]
    }

    private struct State: Sendable {
        var races: [String: Race] = [:]
        var order: [String] = []
    }

    private let streams: Streams
    private let state = Mutex(State())
    private let places = Places(mostAtOnce)

    init(streams: Streams) {
        self.streams = streams
    }

    static func has(_ path: String) -> Bool {
        path == prefix || path.hasPrefix(prefix + "/") || path.hasPrefix(trapPrefix)
    }

    /// How the request is answered; nil when it is not for the race.
    func plan(_ request: RouteRequest) -> RequestPlan? {
        let path = request.target.rawPath
        if path == Self.prefix {
            guard request.head.method == .POST else { return .respond(Response(.method(allowed: "POST, OPTIONS"))) }
            if request.facts.isDraining { return .respond(Response(.draining)) }
            return .collect(limit: 1_000) { [self] body in .response(await begin(body)) }
        }
        if path.hasPrefix(Self.trapPrefix) {
            guard let trap = JSONTrap(rawValue: String(path.dropFirst(Self.trapPrefix.count))) else { return nil }
            guard request.head.method == .GET else { return .respond(Response(.method(allowed: "GET, OPTIONS"))) }
            return running { try await trap.write(to: $0) }
        }
        guard path.hasPrefix(Self.prefix + "/") else { return nil }
        guard request.head.method == .GET else { return .respond(Response(.method(allowed: "GET, OPTIONS"))) }
        let parts = path.dropFirst(Self.prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard let race = state.withLock({ $0.races[String(parts[0])] }) else {
            return .respond(Response(Self.unknown))
        }
        if parts.count == 1 { return .respond(Self.json(200, RaceReport(made: race.made))) }
        guard parts.count == 2, let lane = RaceLane(rawValue: String(parts[1])) else { return nil }
        return running { [self] writer in
            count(lane.rawValue, of: String(parts[0]))
            try await lane.write(race.answer, to: writer)
        }
    }

    private func begin(_ body: [UInt8]) async -> Response {
        guard let wish = try? JSONDecoder().decode(RaceWish.self, from: Data(body)),
            let answer = RaceAnswer(seconds: wish.seconds ?? 5, bytes: wish.bytes ?? 2_000_000)
        else { return Response(Self.malformed) }
        let id = RandomToken.text()
        guard let name = try? StreamName("demo/race/\(id)") else { return Response(Self.malformed) }
        guard places.take() else { return Response(Self.busy) }
        let expiry = StreamOptions.Expiry.idle(seconds: Self.idleSeconds)
        let options = StreamOptions(contentType: .eventStream, expiry: expiry, leaseSeconds: 30)
        do {
            _ = try await streams.create(name, CreateRequest(options: options))
        } catch {
            places.free()
            return Response(DemoFailure.store(error).asProblem)
        }
        state.withLock { state in
            if state.order.count == Self.mostRemembered { state.races[state.order.removeFirst()] = nil }
            state.order.append(id)
            state.races[id] = Race(answer: answer, made: ["sse": 1])
        }
        let producer = TimedProducer(streams: streams, name: name, pieces: answer.pieces)
        // Detached from the request, as the producer of a stream is: no reader can break it off.
        Task.detached { [places] in
            await producer.run()
            places.free()
        }
        return Self.json(
            201,
            RaceBegun(id: id, stream: "/v1/stream/\(name)", seconds: answer.seconds, bytes: answer.bytes)
        )
    }

    private func count(_ lane: String, of id: String) {
        state.withLock { $0.races[id]?.made[lane, default: 0] += 1 }
    }

    /// Something that takes its time, unless too much does already.
    private func running(_ write: @escaping @Sendable (ResponseWriter) async throws -> Void) -> RequestPlan {
        .exchange(
            ExchangePlan(bodyLimit: 0) { [places] _, writer in
                let hasRun = try await places.hold { try await write(writer) }
                if !hasRun { try await writer.respond(Response(Self.busy)) }
            }
        )
    }

    private static func json(_ status: Int, _ value: some Encodable) -> Response {
        // Numbers and short strings always have a JSON form.
        let body = [UInt8](try! JSONEncoder().encode(value))
        let fields = [HeaderField("Content-Type", "application/json"), HeaderField("Cache-Control", "no-store")]
        return Response(status, headers: fields, body: body)
    }

    private static let malformed = Problem(
        400,
        "invalid-race",
        title: "There is no such race",
        detail: """
            Send a JSON object {"seconds": 5, "bytes": 2000000}: \(RaceAnswer.seconds.lowerBound) to \
            \(RaceAnswer.seconds.upperBound) seconds, \(RaceAnswer.bytes.lowerBound) to \(RaceAnswer.bytes.upperBound) bytes.
            """
    )

    private static let unknown = Problem(
        404,
        "no-such-race",
        title: "No such race",
        detail: "No race has this id, or it has expired. Start one with POST \(prefix)."
    )

    private static let busy = Problem(
        429,
        "too-many-races",
        title: "Too many answers at once",
        detail: "\(mostAtOnce) answers are being written. Try again in some seconds.",
        headers: [HeaderField("Retry-After", "5")]
    )
}

@available(freshet 0.1, *)
private struct RaceWish: Decodable {
    var seconds: Int?
    var bytes: Int?
}

@available(freshet 0.1, *)
private struct RaceBegun: Encodable {
    var id: String
    var stream: String
    var seconds: Int
    var bytes: Int
}

@available(freshet 0.1, *)
private struct RaceReport: Encodable {
    /// How often the answer was made, by lane.
    var made: [String: Int]
}
