import CompletionRelay
import Foundation
import StoreSuite
import StreamCore

@testable import FreshetServer
@testable import StreamHTTP

/// A server's routes over streams in memory, and somebody who asks them. Each stream has a mark in it that no other has.
struct RightsDesk {
    let store: MemoryStreamStore
    let served: Streams
    let relay: Relay
    /// What the relay calls.
    let upstream = StandInUpstream()
    private let access: CurrentAccess
    private let responder: FreshetResponder
    /// The marks in each stream: its own, and those of what it was forked from.
    private var marks: [NameBytes: Set<Int>] = [:]
    /// What a request shows of who sends it.
    private var credential: (String, String)

    /// The streams of a situation, and its credential.
    init(_ situation: RightsSituation) async throws {
        let time = ManualTime()
        store = MemoryStreamStore(time: time)
        let streams = Streams(store: store, time: time)
        served = streams
        relay = Self.relay(streams, upstream, time)
        access = CurrentAccess(try Self.policy(situation))
        let configuration = DataPlaneConfiguration(ServerConfiguration())
        responder = FreshetResponder(
            access: access,
            streamRoutes: StreamRoutes(
                plane: StreamPlane(streams: streams, configuration: configuration),
                configuration: StreamRoutesConfiguration(
                    bodyBytes: 1 << 20,
                    pieces: configuration.pieces,
                    createOnPost: [.everything],
                    publicCache: []
                ),
                time: time
            ),
            listing: ListingRoutes(streams: streams),
            session: SessionRoute(lifetimeSeconds: 3600, isAlwaysSecure: false),
            metrics: MetricsRoute(started: 0),
            node: NodeRoute(time: time),
            probe: ProbeRoutes(access: .tokens([[1]])),
            extra: [Self.routes(relay, access, time)],
            time: time
        )
        credential = ("Authorization", "Bearer \(situation.credential == .key ? Self.key : OneToken.text)")
        for (number, name) in situation.existing.enumerated() {
            let events = EventBatch(EventBody("<<\(number)>>"))
            _ = try await store.create(.known(name), CreateRequest(options: Self.options, events: events))
            marks[NameBytes(name.utf8)] = [number]
        }
        for (name, source) in situation.forks {
            let fork = ForkRequest(source: .known(source))
            _ = try await store.create(.known(name), CreateRequest(options: Self.options, fork: fork))
            marks[NameBytes(name.utf8)] = marks[NameBytes(source.utf8)]
        }
    }

    private static let key = "the-key-of-the-situation"
    private static let options = StreamOptions(contentType: ContentType("text/plain") ?? .eventStream)

    /// One signed token, whose issuer is always there.
    private struct OneToken: TokenAuthenticator {
        static let text = "the-token-of-the-situation"

        var caller: Caller

        func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication {
            guard facts.authorization == "Bearer \(Self.text)" else { return .undecided }
            let signer = TokenSigner(issuer: "app", key: [1])
            return .admitted(Admission(caller: caller, credential: .token, signer: signer))
        }
        func isToken(_ word: String, now: Int64) -> Bool { word == Self.text }
        func knows(_ signer: TokenSigner) -> Bool { signer.issuer == "app" }
    }

    /// The rules that give what was written, each right by a line of its own.
    private static func policy(_ situation: RightsSituation) throws -> AccessPolicy {
        var ring: KeyRing?
        var tokens: OneToken?
        switch situation.credential {
        case .key:
            var lines = ["another another-key-of-the-file read nothing-that-is-there/"]
            for grant in situation.grants {
                guard case .keysFile(let text) = grant.pattern else {
                    preconditionFailure("a key has what its file says")
                }
                lines.append("somebody \(key) \(grant.right) \(text)")
            }
            ring = try KeyRing(parsing: lines.joined(separator: "\n"), file: "keys")
        case .token:
            tokens = OneToken(caller: Caller(name: "app#somebody", grants: try situation.grants.compactMap(grant)))
        }
        return AccessPolicy(
            boundToLoopback: true,
            hosts: [],
            allowedOrigins: [],
            keys: ring,
            tokens: tokens,
            open: false
        )
    }

    /// Nil where a claim of the template gives none.
    private static func grant(_ written: WrittenGrant) throws -> Caller.Grant? {
        switch written.pattern {
        case .everywhere: preconditionFailure("only a session is for a right wherever there is one")
        case .token(let text), .keysFile(let text):
            guard let right = Rights(name: written.right) else { return nil }
            return Caller.Grant(right, [try StreamPrefix(pattern: text)])
        case .template(let text, let claims):
            return try TokenTemplate(parsing: "\(written.right)=\(text)").grant { claims[$0] }
        }
    }

    // MARK: Sessions

    /// From here on a cookie is shown. Nil where it was refused.
    mutating func takeSession(_ wish: [WrittenGrant]) async throws -> Bool {
        var named: [String: [String]] = [:]
        var members: [String: String] = [:]
        for grant in wish {
            switch grant.pattern {
            case .token(let text): named[grant.right, default: []].append(text)
            default: members[grant.right] = "true"
            }
        }
        for (right, names) in named where members[right] == nil {
            members[right] = String(decoding: try JSONEncoder().encode(names), as: UTF8.self)
        }
        let body = members.map { "\"\($0.key)\":\($0.value)" }.sorted().joined(separator: ",")
        let json = members.isEmpty ? nil : "{\(body)}"
        let seen = await ask(.POST, "/v1/session", [], json)
        guard seen.status == 204, let cookie = seen.fields.first(where: { $0.name == "Set-Cookie" })?.value else {
            return false
        }
        credential = ("Cookie", String(cookie.prefix { $0 != ";" }))
        return true
    }

    // MARK: Asking

    func ask(_ ask: RightsAsk) async -> SeenReply {
        let request = ask.request
        return await self.ask(
            request.method,
            request.target,
            request.fields,
            request.body,
            isOpenEnded: ask.way == .appendWhileItArrives
        )
    }

    func ask(
        _ method: RequestMethod,
        _ target: String,
        _ fields: [(String, String)],
        _ body: String?,
        isOpenEnded: Bool = false
    ) async -> SeenReply {
        let length: RequestHead.Body =
            if isOpenEnded { .openEnded } else if let body { .length(body.utf8.count) } else { .none }
        let head = RequestHead(
            method: method,
            uri: target,
            authority: "localhost",
            // A page of the server's own: for no other does a cookie change anything.
            headers: RequestFields([("Host", "localhost"), ("Sec-Fetch-Site", "same-origin"), credential] + fields),
            body: length
        )
        let facts = ConnectionFacts(address: "127.0.0.1", refusal: nil, isDraining: false)
        var seen = SeenReply()
        await seen.follow(responder.plan(for: head, facts), body: Array((body ?? "").utf8))
        return seen
    }

    // MARK: What is there

    /// Every stream as it is, the server's own too.
    func streams() async throws -> [NameBytes: StreamInfo] {
        let all = try await store.list(prefix: "", after: nil, limit: 1000)
        return Dictionary(uniqueKeysWithValues: all.map { (NameBytes($0.name.text.utf8), $0) })
    }

    func marks(of name: NameBytes) -> Set<Int> { marks[name] ?? [] }

    /// Follows what a request has made and taken away.
    mutating func note(_ after: [NameBytes: StreamInfo], since before: [NameBytes: StreamInfo]) {
        for name in before.keys where after[name]?.birth != before[name]?.birth { marks[name] = nil }
        for (name, info) in after where before[name]?.birth != info.birth {
            marks[name] = info.forkedFrom.map { marks(of: NameBytes($0.source.text.utf8)) } ?? []
        }
    }

    /// From here on only some of the grants are there.
    func reload(_ situation: RightsSituation) throws { access.replace(with: try Self.policy(situation)) }
}
