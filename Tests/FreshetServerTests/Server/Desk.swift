import NIOHTTP1
import SQLiteStreamStore
import StoreSuite
import StreamCore

@testable import FreshetServer
@testable import StreamHTTP

/// The routes without a network: each request is answered in the test's own task, so that what comes between two steps
/// of it is the test's to say.
struct Desk {
    let store: SteppedStore
    let streams: Streams
    let name = StreamName.known("s")
    private let responder: FreshetResponder

    private init(_ base: any StreamStore, _ time: ManualTime) {
        store = SteppedStore(base)
        streams = Streams(store: store, time: time)
        responder = FreshetResponder(
            access: CurrentAccess(ServerConfiguration().accessPolicy(keys: nil)),
            streamRoutes: StreamRoutes(
                plane: StreamPlane(streams: streams, configuration: DataPlaneConfiguration(ServerConfiguration())),
                configuration: StreamRoutesConfiguration(
                    bodyBytes: 1 << 20,
                    pieces: DataPlaneConfiguration(ServerConfiguration()).pieces,
                    createOnPost: [],
                    publicCache: [],
                    pageBytes: 1 << 20
                ),
                time: time
            ),
            listing: ListingRoutes(streams: streams),
            session: nil,
            time: time
        )
    }

    static func run(_ keeping: Keeping, _ body: (Desk) async throws -> Void) async throws {
        let directory = TemporaryDirectory()
        let time = ManualTime()
        let store = try keeping.store(in: directory, time)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(Desk(store, time)))
        } catch {
            result = .failure(error)
        }
        await (store as? SQLiteStreamStore)?.close()
        try result.get()
    }

    /// Header fields: their names and values.
    typealias Fields = [(String, String)]

    func plan(_ method: HTTPMethod, _ target: String, _ fields: [Fields]) -> RequestPlan {
        var headers = HTTPHeaders(Array(fields.joined()))
        headers.add(name: "Host", value: "localhost")
        return responder.plan(
            for: RequestHead(
                HTTPRequestHead(
                    version: .http1_1,
                    method: method,
                    uri: target.hasPrefix("/") ? target : "/v1/stream/s\(target)",
                    headers: headers
                )
            ),
            ConnectionFacts(address: "127.0.0.1", refusal: nil, isDraining: false)
        )
    }

    func reply(
        _ method: HTTPMethod,
        _ target: String,
        _ fields: [Fields] = [],
        body: String = ""
    ) async -> Reply {
        let length: Fields = body.isEmpty ? [] : [("Content-Length", "\(body.utf8.count)")]
        return switch plan(method, target, fields + [length]) {
        case .respond(let response): .response(response)
        case .act(let act), .read(let act): await act()
        case .collect(_, _, let act): await act(Array(body.utf8))
        case .answer(_, _, let answer): await AwaitedReply.reply(of: answer, to: Array(body.utf8))
        case .streamingAppend, .exchange, .later, .granted, .holding, .named:
            preconditionFailure("a request of anybody, without a body that arrives slowly")
        }
    }

    /// What a request is told: its status, and how the stream ended where the response says so.
    @discardableResult
    func ask(
        _ method: HTTPMethod,
        _ target: String = "",
        _ fields: Fields...,
        body: String = ""
    ) async throws -> Told {
        guard case .response(let response) = await reply(method, target, fields, body: body) else {
            throw UnexpectedOutcome("\(method) \(target) is not answered at once")
        }
        return Told(response)
    }

    func cancel() async throws {
        let told = try await ask(.POST, "", [("Stream-Cancel", "true")])
        guard told.status == 204, told["Stream-Closed"] == "true" else { throw UnexpectedOutcome("\(told)") }
    }

    struct Told: CustomStringConvertible {
        let response: Response

        init(_ response: Response) {
            self.response = response
        }

        var status: Int { response.status }
        var reason: String? { self["Stream-End-Reason"] }
        var text: String { String(decoding: response.body, as: UTF8.self) }
        var description: String { "\(status) \(reason ?? "open") \(text)" }

        subscript(name: String) -> String? { response.headers.first { $0.name == name }?.value }

        func isProblem(_ code: String) -> Bool { text.contains("\"urn:freshet:\(code)\"") }
    }
}
