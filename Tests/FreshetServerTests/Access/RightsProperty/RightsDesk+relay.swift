import CompletionRelay
import FreshetRelay
import Locks
import NIOHTTP1
import StoreSuite
import StreamCore

@testable import FreshetServer
@testable import StreamHTTP

/// The relay of the desk, through which somebody else has asked something before.
extension RightsDesk {
    /// The stream of somebody else's answer: the first of them.
    static let othersAnswer = "relay/0"
    static let othersKey = "once"

    private static let question = #"{"model":"m","stream":true,"input":"Why?"}"#

    /// Its answers are named by their numbers.
    static func relay(_ streams: Streams, _ upstream: StandInUpstream, _ time: any TimeSource) -> Relay {
        let answers = Mutex(0)
        let provider = Upstream(name: "local", kind: .openAICompatible, baseURL: "http://127.0.0.1:1/v1", key: .none)
        return Relay(
            streams: streams,
            configuration: RelayConfiguration(upstreams: [provider]),
            transports: ["local": upstream],
            time: time,
            clock: HastyClock(),
            token: {
                answers.withLock { number in
                    defer { number += 1 }
                    return "\(number)"
                }
            }
        )
    }

    /// Nothing is called with the client: there is a transport for the one upstream.
    static func routes(_ relay: Relay, _ access: CurrentAccess, _ time: any TimeSource) -> any RouteGroup {
        RelayRoutes(relay: relay, access: access, callers: .keys, client: client, time: time)
    }

    private static let client = HTTPUpstream.client()

    /// How often the provider was called.
    var calls: Int { upstream.calls }

    func info(_ name: String) async throws -> StreamInfo? { try await store.info(.known(name)) }

    /// Returns when somebody else's answer has begun, which then goes on.
    func beginOthersCall() async throws {
        let fields: HTTPHeaders = ["Content-Type": "application/json", "Idempotency-Key": Self.othersKey]
        let request = RelayRequest(
            method: "POST",
            path: "/responses",
            headers: fields,
            body: .length(Self.question.utf8.count),
            baseURL: "http://localhost",
            caller: "somebody else"
        )
        var seen = SeenReply()
        await seen.follow(relay.plan(for: request), body: Array(Self.question.utf8))
        guard seen.status == 200, seen.follows == [Self.othersAnswer] else {
            throw UnexpectedOutcome("the call of somebody else is \(seen.status) and follows \(seen.follows)")
        }
        while try await info(Self.othersAnswer)?.events != 2 { await Task.yield() }
    }

    func endOthersCall() async throws {
        _ = try await served.append(.known(Self.othersAnswer), AppendRequest(end: EndRequest(.cancelled)))
        while relay.isBusy { await Task.yield() }
    }

    /// A call of whoever the desk is asked by. Returns when its answer has ended.
    func call(key: String) async -> SeenReply {
        let fields = [("Content-Type", "application/json"), ("Idempotency-Key", key)]
        let seen = await ask(.POST, "/v1/responses", fields, Self.question)
        while relay.metrics.running > 1 { await Task.yield() }
        return seen
    }
}
