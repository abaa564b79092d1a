import EventSource
import Foundation
import HTTPTypes
import Hummingbird
import Locks

/// The REST service by which the harness launchdarkly/sse-contract-tests drives `EventSource`.
///
///     swift run sse-contract-service 8000
///     sse-contract-tests --url http://127.0.0.1:8000
///
/// Listens on 127.0.0.1 only; port 0 is any free one, which the log tells. A second argument names the transport that it reads
/// streams over. The harness's `docs/service_spec.md` has the protocol.
@available(freshet 0.1, *)
@main
struct ContractService {
    /// Every optional feature of the harness's `docs/optional_features.md` but `event-type-listeners`, which is for
    /// clients that deliver nothing without a listener for its type.
    static let capabilities = [
        "bom", "comments", "headers", "last-event-id", "post", "read-timeout", "report", "restart",
        "server-directed-shutdown-request",
    ]

    private struct Status: ResponseCodable {
        var name: String
        var capabilities: [String]
    }

    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let named: ContractTransport? = words.count == 2 ? ContractTransport(rawValue: words[1]) : .asyncHTTPClient
        guard (1...2).contains(words.count), let port = UInt16(words[0]), let transport = named else {
            let transports = ContractTransport.allCases.map(\.rawValue).joined(separator: "|")
            print("usage: sse-contract-service PORT [\(transports)]")
            exit(64)
        }
        let streams = ContractStreams(over: transport.make())
        let router = Router()
        router.get("/") { _, _ in Status(name: "freshet", capabilities: capabilities) }
        router.delete("/") { _, _ in
            // As if it was stopped from outside: the response is written, then the process ends.
            kill(getpid(), SIGTERM)
            return HTTPResponse.Status.noContent
        }
        router.post("/") { request, context in
            let parameters = try await request.decode(as: StreamParameters.self, context: context)
            let id = streams.open(parameters)
            return Response(status: .created, headers: [.location: "/streams/\(id)"])
        }
        router.post("/streams/{id}") { request, context in
            struct Command: Decodable { var command: String }
            guard let stream = streams[try context.parameters.require("id", as: Int.self)] else {
                return HTTPResponse.Status.notFound
            }
            let command = try await request.decode(as: Command.self, context: context)
            guard command.command == "restart" else { return .badRequest }
            stream.restart()
            return .accepted
        }
        router.delete("/streams/{id}") { _, context in
            let isOpen = streams.close(try context.parameters.require("id", as: Int.self))
            return isOpen ? HTTPResponse.Status.noContent : .notFound
        }
        let app = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: Int(port)))
        )
        try await app.runService()
    }
}

/// The streams that the harness has open, by their number. They are behind its mutex.
@available(freshet 0.1, *)
private final class ContractStreams: Sendable {
    private struct State {
        var last = 0
        var open: [Int: ContractStream] = [:]
    }

    private let transport: (any EventSourceTransport)?
    private let state = Mutex(State())

    init(over transport: (any EventSourceTransport)?) {
        self.transport = transport
    }

    subscript(id: Int) -> ContractStream? {
        state.withLock { $0.open[id] }
    }

    func open(_ parameters: StreamParameters) -> Int {
        let stream = ContractStream(parameters, over: transport)
        return state.withLock { state in
            state.last += 1
            state.open[state.last] = stream
            return state.last
        }
    }

    /// False if there is none of this number.
    func close(_ id: Int) -> Bool {
        let stream = state.withLock { $0.open.removeValue(forKey: id) }
        stream?.close()
        return stream != nil
    }
}
