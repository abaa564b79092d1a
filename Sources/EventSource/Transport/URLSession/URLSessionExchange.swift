#if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
import Foundation
import Locks

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// One request of a session, between its delegate's queue and the task that reads the response.
///
/// Everything shared is behind its mutex. One task at a time waits for something of it.
@available(freshet 0.1, *)
final class URLSessionExchange: Sendable {
    struct Head: Sendable {
        var status: Int
        var headers: [(name: String, value: String)]
    }

    private struct State {
        var head: Head?
        var body: ReceivedBody
        var reader: CheckedContinuation<Void, Never>?
        var isCancelled = false
        /// How often something happened that a reader may wait for.
        var changes = 0
    }

    let task: URLSessionDataTask
    private let state: Mutex<State>

    init(task: URLSessionDataTask) {
        self.task = task
        #if canImport(Darwin)
        let body = ReceivedBody(limit: 256 << 10, whenFull: .pause)
        #else
        let body = ReceivedBody(limit: 16 << 20, whenFull: .fail)
        #endif
        state = Mutex(State(body: body))
    }

    // MARK: The reader

    /// The head of the response, when it is there.
    func head() async throws -> Head {
        try await first { state in
            if let head = state.head { return .success(head) }
            switch state.body.end {
            case nil: return nil
            case .failure(let error): return .failure(error)
            case .success: return .failure(EventSourceTransportError("the connection was closed"))
            }
        }
    }

    /// All that arrived and was not taken; nil after the end.
    func next() async throws -> [UInt8]? {
        try await first { state in
            switch state.body.take() {
            case .wait: return nil
            case .end: return .success(nil)
            case .failed(let error): return .failure(error)
            case .bytes(let bytes, let resumesTask):
                // Under the lock: it must not overtake the suspension that it ends.
                if resumesTask { task.resume() }
                return .success(bytes)
            }
        }
    }

    /// The first answer that the state gives, asked now and after each change.
    private func first<Answer: Sendable>(
        _ answer: @Sendable (inout State) -> Result<Answer, any Error>?
    ) async throws -> Answer {
        try await withTaskCancellationHandler {
            while true {
                let (given, seen) = state.withLock { (answer(&$0), $0.changes) }
                if let given { return try given.get() }
                await withCheckedContinuation { continuation in
                    let resumeNow = state.withLock { state in
                        guard state.changes == seen else { return true }
                        state.reader = continuation
                        return false
                    }
                    if resumeNow { continuation.resume() }
                }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Ends it, for the reader with `CancellationError`.
    func cancel() {
        change { state in
            state.body.finish(.failure(CancellationError()))
            cancelTask(&state)
        }
    }

    private func cancelTask(_ state: inout State) {
        state.isCancelled = true
        task.cancel()
    }

    // MARK: The delegate

    /// The first response is the one: that of a redirect is told twice.
    func received(_ response: URLResponse) {
        guard let head = Self.head(of: response) else { return }
        change { if $0.head == nil { $0.head = head } }
    }

    /// A redirect is not followed.
    ///
    /// FoundationNetworking ends the program when it is told so of a task that is cancelled: it is not told then, and who
    /// reads the head, and may cancel for it, has it afterwards.
    func redirected(_ response: HTTPURLResponse, _ decide: @Sendable (URLRequest?) -> Void) {
        let head = Self.head(of: response)
        change { state in
            if !state.isCancelled { decide(nil) }
            if state.head == nil { state.head = head }
        }
    }

    private static func head(of response: URLResponse) -> Head? {
        guard let response = response as? HTTPURLResponse else { return nil }
        let headers = response.allHeaderFields.compactMap { name, value in
            (name as? String).map { (name: $0, value: "\(value)") }
        }
        return Head(status: response.statusCode, headers: URLSessionTransport.undecoded(headers))
    }

    func received(_ data: Data) {
        change { state in
            // Under the lock, as its end is.
            switch state.body.received(data) {
            case .readOn: break
            case .pause: task.suspend()
            case .fail: cancelTask(&state)
            }
        }
    }

    func finished(_ error: (any Error)?) {
        change { $0.body.finish(error.map { .failure(URLSessionTransport.trouble($0)) } ?? .success(())) }
    }

    @discardableResult
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            let result = body(&state)
            state.changes += 1
            state.reader.take()?.resume()
            return result
        }
    }
}
#endif
