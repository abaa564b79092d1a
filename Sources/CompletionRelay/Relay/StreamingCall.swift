import StreamCore
import StreamHTTP

/// A call that is to be answered by a stream.
@available(freshet 0.1, *)
package struct StreamingCall: Sendable {
    package var request: RelayRequest
    package var format: WireFormat
    package var upstream: Upstream
    package var body: CallBody
    /// The model that the body names, as the log tells it.
    package var model: String?
    /// Its response is made in the background of the provider.
    var isBackground = false
    /// `Idempotency-Key`
    package var key: String?
    package var policy: DisconnectPolicy
    /// How long the caller waits for the upstream's head before it is given one; zero for as long as it takes.
    package var early: Duration

    /// What a key is bound to, beside the credential: a format that is not told by its path has many.
    var route: String {
        let route = "\(upstream.name) \(format.rawValue)"
        return WireFormat.completions.contains(format) ? route : "\(route) \(request.path)\(request.query)"
    }

    package init(
        request: RelayRequest,
        format: WireFormat,
        upstream: Upstream,
        body: CallBody,
        model: String? = nil,
        key: String? = nil,
        policy: DisconnectPolicy = .continue,
        early: Duration = .zero
    ) {
        self.request = request
        self.format = format
        self.upstream = upstream
        self.body = body
        self.model = model
        self.key = key
        self.policy = policy
        self.early = early
    }
}

/// How a streaming call began.
@available(freshet 0.1, *)
enum Begun: Sendable {
    case response(Response)
    /// Something that is no stream comes, and is passed on while it arrives.
    case passing(PassedAnswerTaker)
    /// The answer is in a stream. The call is there for whoever began it.
    case stream(StreamName, WireFormat, [HeaderField], AnswerCall?)
}

/// What a key's record says.
@available(freshet 0.1, *)
struct FoundCall: Sendable {
    var record: IdempotencyRecord
    /// The upstream's, or the relay's, answer where it was no stream.
    var refusal: Response?
}
