public import EventSource

/// A stream of a server that speaks the Durable Streams protocol: Freshet, or another one.
///
/// ```swift
/// let stream = DurableStream(url: "http://127.0.0.1:4437/v1/stream/answer")
/// try await stream.create(contentType: "application/json")
/// for try await chunk in stream.read() {
///     for value in chunk.values { print(String(decoding: value, as: UTF8.self)) }
///     if let end = chunk.end { print("ended:", end.reason?.rawValue ?? "no reason given") }
/// }
/// ```
///
/// A handle holds no connection and asks nothing by itself; copy it as you like. ``producer(_:)`` writes,
/// ``read(from:_:)`` reads, and the methods here ask once: each repeats its request, with back-off, while there is no
/// response or one that may pass (408, 425, 429, 5xx but 501 and 505), for as long as
/// ``Configuration-swift.struct/patience`` says. Redirects are not followed, so that no credentials go astray.
@available(freshet 0.1, *)
public struct DurableStream: Sendable {
    /// Where the stream is, `http` or `https`.
    public let url: String
    /// How it is asked.
    public let configuration: Configuration
    let transport: any EventSourceTransport

    /// Describes a stream; nothing is sent.
    ///
    /// - Parameters:
    ///   - url: An absolute `http` or `https` URL. With another one every request throws
    ///     ``DurableStreamError/Code-swift.enum/invalidURL``.
    ///   - configuration: How to ask.
    ///   - transport: What sends its requests, the same as for an `EventSource`. Without one all share one that is
    ///     never shut down: over AsyncHTTPClient, or `URLSession` where the package's trait `AsyncHTTPClient` is off.
    public init(
        url: String,
        configuration: Configuration = Configuration(),
        transport: (any EventSourceTransport)? = nil
    ) {
        self.url = url
        self.configuration = configuration
        self.transport = transport ?? EventSource.sharedTransport
    }

    /// The URL, if it can be requested.
    func target() throws(DurableStreamError) -> Target {
        guard let target = Target(url) else {
            throw DurableStreamError(
                .invalidURL,
                URLTrouble.describe(url, example: "http://127.0.0.1:4437/v1/stream/name")
            )
        }
        return target
    }
}
