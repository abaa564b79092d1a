/// What a relay obeys.
@available(freshet 0.1, *)
package struct RelayConfiguration: Sendable {
    package var upstreams: [Upstream]
    /// How long an answer is kept, from its beginning.
    package var answerLifetime: Duration = .seconds(86_400)
    /// How much longer a key is remembered than its answer is kept.
    package var keyLifetime: Duration = .seconds(86_400)
    /// How long an answer may be without any reader.
    package var unreadLimit: Duration = .seconds(600)
    /// How long an upstream may send no byte of its answer.
    package var idle: Duration = .seconds(600)
    /// How long an upstream may send nothing that says anything.
    package var wordless: Duration = .seconds(1800)
    /// How many bytes that say nothing may follow one another: more than the largest event has before it is whole.
    var wordlessBytes: Int { eventBytes + (4 << 20) }
    /// How long a caller waits for the upstream's head before it gets one of the relay's own; zero for as long as it takes.
    package var early: Duration = .zero
    /// The largest body of a call, and of a refusal.
    package var bodyBytes = 32 << 20
    /// The largest event of an upstream: a picture comes as one.
    package var eventBytes = 1 << 20
    /// What of an upstream's header its callers are told.
    package var responseFields = ResponseFields()
    /// The most answers that are written at one time.
    package var runningAnswers = 1000
    /// The least time between two appends to one answer, unless much waits.
    package var grouping: Duration = .milliseconds(4)
    package var groupBytes = 4096
    /// How long an answer waits for a store that nodes share and that cannot be reached.
    var storePatience: Duration = .seconds(60)
    /// After the provider's last word, how long its connection may stay open for what follows it.
    package var closing: Duration = .milliseconds(250)

    /// The upstream that has the built-in model; nil where it is not served.
    var builtin: Upstream? { upstreams.first { $0.kind == .builtin } }

    package init(upstreams: [Upstream]) {
        self.upstreams = upstreams
    }
}
