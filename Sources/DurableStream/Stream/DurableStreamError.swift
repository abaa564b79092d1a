/// Why something could not be done with a stream. Nothing that may pass by itself is reported this way before the time
/// for repetitions is over.
@available(freshet 0.1, *)
public struct DurableStreamError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Equatable {
        /// The URL is not an absolute `http` or `https` URL.
        case invalidURL
        /// A header field, a time or an offset is nothing that can be sent.
        case invalidRequest
        /// What was to be appended is no event of the stream's type. Nothing of it was sent, and the producer goes on.
        case invalidInput
        /// 401 or 403: the credentials do not give the right.
        case unauthorized
        /// 404: there is no such stream, or no longer.
        case notFound
        /// 410: the position is not there any more, or the stream is not; ``DurableStreamError/earliestOffset`` says
        /// where reading may begin, if the server does.
        case gone
        /// 409: the stream is there and is another: its type, its time to live or its end differ.
        case conflict
        /// A producer of the same id and a newer epoch writes the stream, ``DurableStreamError/epoch``; or another one
        /// of the same id and epoch does. This one can append no more.
        case fenced
        /// Another refusal, which a repetition would not change.
        case refused
        /// A response that no server of the Durable Streams protocol gives.
        case invalidResponse
        /// A response with a `Content-Encoding`, which was not asked for: something on the way compresses.
        case contentEncoding
        /// A response is longer than ``DurableStream/ReadOptions/maximumChunkBytes``.
        case limitExceeded
        /// No response to go on with for as long as was to be waited.
        case unreachable
        /// The producer has ended, was closed, or was let go.
        case finished
    }

    /// The kind of failure.
    public var code: Code
    /// What was wrong, for a person.
    public var message: String
    /// The response's status, where there was one.
    public var status: Int?
    /// What follows `urn:freshet:` in the type of the response's problem document, where there was one.
    public var problem: String?
    /// The epoch that writes the stream now, where a producer was fenced.
    public var epoch: Int?
    /// Where reading may begin, where a position is gone.
    public var earliestOffset: DurableStream.Offset?

    /// The message.
    public var description: String { message }

    package init(_ code: Code, _ message: String, status: Int? = nil, problem: String? = nil) {
        self.code = code
        self.message = message
        self.status = status
        self.problem = problem
    }

    /// What a final response that is no success says.
    init(_ response: StreamResponse, url: String) {
        let code: Code =
            switch response.status {
            case 401, 403: .unauthorized
            case 404: .notFound
            case 409: .conflict
            case 410: .gone
            default: .refused
            }
        self.init(code, "\(url): \(response.problem)", status: response.status, problem: response.code)
        earliestOffset = response.header("stream-earliest-offset").map(DurableStream.Offset.init(rawValue:))
    }

    /// A response that says nothing of a stream.
    static func foreign(_ url: String, status: Int) -> Self {
        Self(
            .invalidResponse,
            "\(url) answered \(status) without Stream-Next-Offset: this is no server of the Durable Streams protocol",
            status: status
        )
    }
}
