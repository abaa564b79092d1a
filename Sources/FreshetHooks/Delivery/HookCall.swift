import AsyncHTTPClient
import EventSource
import NIOCore
import NIOHTTP1
import StreamCore

/// One call of a hook.
@available(freshet 0.1, *)
struct HookCall: Sendable, Equatable {
    var url: String
    var fields: [Field]
    var body: [UInt8]

    struct Field: Sendable, Equatable {
        var name: String
        var value: String
    }
}

/// What became of one.
@available(freshet 0.1, *)
enum HookAnswer: Sendable, Equatable {
    /// A status of 200 to 299.
    case taken
    /// 410: nobody wants to be told any more.
    case gone
    case failed(String, RetryAfter? = nil)
}

/// Calls over HTTP. Redirects are not followed: where a hook is, its operator says.
@available(freshet 0.1, *)
struct HookClient: Sendable {
    static let mostTime = TimeAmount.seconds(15)
    /// What is read of an answer, so that its connection can be used again.
    private static let mostBytes = 64 * 1024

    let client: HTTPClient
    var time: any TimeSource = SystemTime()

    static func client() -> HTTPClient {
        HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(
                redirectConfiguration: .disallow,
                timeout: .init(connect: .seconds(10), read: mostTime),
                decompression: .disabled
            )
        )
    }

    func answer(to call: HookCall) async -> HookAnswer {
        var request = HTTPClientRequest(url: call.url)
        request.method = .POST
        for field in call.fields { request.headers.add(name: field.name, value: field.value) }
        request.body = .bytes(call.body)
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: Self.mostTime)
        } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
            return .failed("no answer within \(Self.mostTime.nanoseconds / 1_000_000_000) s")
        } catch {
            return .failed(TransportTrouble.describe(error))
        }
        let status = response.status.code
        let retryAfter = RetryAfter(
            response.headers.first(name: "Retry-After"),
            date: response.headers.first(name: "Date"),
            now: time.wallMilliseconds() / 1000,
            status: status
        )
        switch status {
        case 200..<300:
            await drain(response)
            return .taken
        case 300..<400:
            return .failed("it answered \(status): a redirect, which is not followed", retryAfter)
        case 410: return .gone
        default: return .failed("it answered \(status)", retryAfter)
        }
    }

    /// What follows the head changes nothing; an answer that has no end is given up.
    private func drain(_ response: HTTPClientResponse) async {
        let length = response.headers.first(name: "Content-Length").flatMap { Int($0) }
        guard response.status == .noContent || length.map({ $0 <= Self.mostBytes }) == true else { return }
        do {
            for try await _ in response.body {}
        } catch {
            return
        }
    }
}
