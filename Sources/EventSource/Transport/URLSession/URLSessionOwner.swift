#if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
import Foundation
import Locks

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A session, and the requests that it runs. The session is invalidated with it: until then it would keep its delegate.
@available(freshet 0.1, *)
final class URLSessionOwner: Sendable {
    /// In seconds: a year. The event source limits the time itself.
    static let noTimeout: TimeInterval = 365 * 24 * 3600

    private let delegate = URLSessionExchanges()
    private let session: URLSession

    init(configuration: URLSessionConfiguration) {
        session = URLSession(configuration: configuration, delegate: delegate, delegateQueue: nil)
    }

    deinit {
        session.invalidateAndCancel()
    }

    /// Sends a request.
    func begin(_ request: EventSourceRequest) throws -> URLSessionExchange {
        guard let url = URL(string: request.url) else {
            throw EventSourceTransportError("Foundation takes this for no URL", isUnsent: true)
        }
        var http = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: Self.noTimeout)
        http.httpMethod = request.method
        http.httpShouldHandleCookies = false
        for field in request.headers { http.addValue(field.value, forHTTPHeaderField: field.name) }
        http.httpBody = request.body.map { Data($0) }
        let exchange = URLSessionExchange(task: session.dataTask(with: http))
        delegate.add(exchange)
        exchange.task.resume()
        return exchange
    }

    /// Leaves a request alone, whatever comes of it.
    func end(_ exchange: URLSessionExchange) {
        delegate.remove(exchange)
        exchange.cancel()
    }
}

/// A session's delegate: passes what is told of a task to its exchange.
///
/// What the session's queue and the tasks share is behind its mutex.
@available(freshet 0.1, *)
final class URLSessionExchanges: NSObject, URLSessionDataDelegate, Sendable {
    private let exchanges = Mutex<[Int: URLSessionExchange]>([:])

    func add(_ exchange: URLSessionExchange) {
        exchanges.withLock { $0[exchange.task.taskIdentifier] = exchange }
    }

    func remove(_ exchange: URLSessionExchange) {
        exchanges.withLock { _ = $0.removeValue(forKey: exchange.task.taskIdentifier) }
    }

    private func exchange(_ task: URLSessionTask) -> URLSessionExchange? {
        exchanges.withLock { $0[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @Sendable @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        exchange(dataTask)?.received(response)
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        exchange(dataTask)?.received(data)
    }

    /// A redirect is not followed: it is the response. FoundationNetworking tells of its head here only.
    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @Sendable @escaping (URLRequest?) -> Void
    ) {
        // One that is not there any more was cancelled.
        exchange(task)?.redirected(response, completionHandler)
    }

    #if canImport(FoundationNetworking)
    /// A 401 is a response like any other. What FoundationNetworking does by itself about a challenge never ends.
    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        didReceive challenge: URLAuthenticationChallenge,
        completionHandler: @Sendable @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
        completionHandler(.rejectProtectionSpace, nil)
    }
    #endif

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        guard let exchange = exchange(task) else { return }
        // FoundationNetworking tells nothing else of a redirect that leads nowhere.
        if error == nil, let response = task.response { exchange.received(response) }
        exchange.finished(error)
    }
}
#endif
