import DurableStream
import EventSource
import Locks

/// A server of the protocol that keeps one stream in memory, as a transport; with what is lost on the way to it and
/// from it.
final class ModelServer: EventSourceTransport {
    typealias Body = ScriptedTransport.Body

    /// What becomes of a request.
    enum Fate: Sendable {
        case answered
        case lostBefore
        /// It is carried out, and the answer is lost.
        case lostAfter
        case refused(Int)
    }

    struct State: Sendable {
        struct Producer: Sendable {
            var epoch: Int
            var next = 0
        }

        var isThere = false
        /// The bodies that were kept.
        var kept: [String] = []
        var producers: [String: Producer] = [:]
        var end: (reason: String, detail: String?)?
        var requests: [EventSourceRequest] = []
        var mostBytes = Int.max
        var isFreshet = true

        var text: String { kept.joined() }
        var posts: [EventSourceRequest] { requests.filter { $0.method == "POST" } }
    }

    private let state = Mutex(State())
    private let fate: @Sendable (Int) async throws -> Fate

    init(_ fate: @escaping @Sendable (Int) async throws -> Fate = { _ in .answered }) {
        self.fate = fate
    }

    var now: State { state.withLock { $0 } }

    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
    }

    func stream(_ change: (inout DurableStream.Configuration) -> Void = { _ in }) -> DurableStream {
        var configuration = DurableStream.Configuration()
        configuration.retryBase = .milliseconds(1)
        configuration.retryMaximum = .milliseconds(2)
        change(&configuration)
        return DurableStream(url: "http://h/s", configuration: configuration, transport: self)
    }

    func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<Body> {
        let index = state.withLock { state in
            state.requests.append(request)
            return state.requests.count - 1
        }
        switch try await fate(index) {
        case .answered: return answer(request)
        case .lostBefore: throw cut
        case .lostAfter:
            _ = answer(request)
            throw cut
        case .refused(let status): return ScriptedTransport.response(status)
        }
    }

    private func answer(_ request: EventSourceRequest) -> EventSourceResponse<Body> {
        state.withLock { state in
            switch request.method {
            case "PUT":
                let isNew = !state.isThere
                state.isThere = true
                return Self.standing(isNew ? 201 : 200, state)
            case "POST" where state.isThere: return Self.post(request, &state)
            default: return ScriptedTransport.response(404)
            }
        }
    }

    private static func post(_ request: EventSourceRequest, _ state: inout State) -> EventSourceResponse<Body> {
        if request.field("Stream-Lease") != nil {
            guard state.isFreshet else { return ScriptedTransport.response(400, [:], ["empty"]) }
            return standing(state.end == nil ? 204 : 409, state)
        }
        guard let id = request.field("Producer-Id"), let epoch = request.field("Producer-Epoch").flatMap({ Int($0) }),
            let sequence = request.field("Producer-Seq").flatMap({ Int($0) })
        else { return ScriptedTransport.response(400) }
        var producer = state.producers[id] ?? State.Producer(epoch: epoch)
        if epoch < producer.epoch { return ScriptedTransport.response(403, ["Producer-Epoch": "\(producer.epoch)"]) }
        if epoch > producer.epoch { producer = State.Producer(epoch: epoch) }
        if sequence < producer.next { return standing(204, state) }
        if sequence > producer.next {
            return ScriptedTransport.response(409, ["Producer-Expected-Seq": "\(producer.next)"])
        }
        guard state.end == nil else { return standing(409, state) }
        if (request.body?.count ?? 0) > state.mostBytes { return ScriptedTransport.response(413) }
        producer.next += 1
        state.producers[id] = producer
        if let body = request.body, !body.isEmpty { state.kept.append(request.text) }
        if request.field("Stream-Closed") == "true" {
            state.end = (request.field("Stream-End-Reason") ?? "done", request.field("Stream-End-Detail"))
        }
        return standing(200, state)
    }

    private static func standing(_ status: Int, _ state: State) -> EventSourceResponse<Body> {
        guard let end = state.end else {
            return ScriptedTransport.response(status, ["Stream-Next-Offset": "\(state.kept.count)"])
        }
        return ScriptedTransport.response(
            status,
            [
                "Stream-Next-Offset": "\(state.kept.count)", "Stream-Closed": "true", "Stream-End-Reason": end.reason,
                "Stream-End-Detail": end.detail ?? "",
            ]
        )
    }
}
