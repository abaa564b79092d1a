package import NIOCore
package import StreamCore
package import Tracing

/// What decides how each request is answered. Called on the connection's event loop; must not block.
@available(freshet 0.1, *)
package protocol Responder: Sendable {
    func plan(for head: RequestHead, _ facts: ConnectionFacts) -> RequestPlan
    /// The response to bytes that were no HTTP request, or to one that did not arrive in time.
    func respond(to failure: RequestFailure, head: RequestHead?) -> Response
    /// A response of the server's own as the client of this request reads it.
    func shaped(_ response: Response, for head: RequestHead?) -> Response
    /// What every response carries, whatever it is; the head is that of the request, where there is one.
    func commonFields(for head: RequestHead?) -> [HeaderField]
    /// The streams that its plans follow; nil when none do.
    var plane: StreamPlane? { get }
    /// Whether a word is a key or a session of this server, which no line of the log may have.
    func isSecret(_ word: String) -> Bool
    /// The template of the path of a request, such as `/v1/stream/{name}`; nil where no route is for it. Asked only where
    /// requests are traced.
    func route(of head: RequestHead) -> String?
}

@available(freshet 0.1, *)
extension Responder {
    package var plane: StreamPlane? { nil }
    package func shaped(_ response: Response, for head: RequestHead?) -> Response { response }
    package func isSecret(_ word: String) -> Bool { false }
    package func route(of head: RequestHead) -> String? { nil }
}

/// What is known of a connection beside the request.
@available(freshet 0.1, *)
package struct ConnectionFacts: Sendable {
    /// The peer's address, without the port.
    package var address: String
    /// The address of ours that the peer connected to.
    package var localAddress: SocketAddress?
    /// Set when the connection is one more than may be served: the request gets a polite refusal.
    package var refusal: ConnectionRefusal?
    package var isDraining: Bool
    /// The peer came by a port that only this machine reaches, whoever reaches the server's other port.
    package var isOnThisMachine: Bool
    /// The memory of what is in flight; nil where nothing but the transport counts it.
    package var inflight: InflightBudget?
    /// The span of the request, as what it calls is told of it; nil where nobody traces.
    package var trace: InstrumentationContext?

    package init(
        address: String,
        localAddress: SocketAddress? = nil,
        refusal: ConnectionRefusal?,
        isDraining: Bool,
        isOnThisMachine: Bool = false,
        inflight: InflightBudget? = nil,
        trace: InstrumentationContext? = nil
    ) {
        self.address = address
        self.localAddress = localAddress
        self.refusal = refusal
        self.isDraining = isDraining
        self.isOnThisMachine = isOnThisMachine
        self.inflight = inflight
        self.trace = trace
    }
}

@available(freshet 0.1, *)
package enum ConnectionRefusal: Sendable, Equatable {
    case tooManyConnections, tooManyFromAddress
}

/// Why a request could not be read.
@available(freshet 0.1, *)
package enum RequestFailure: Error, Sendable, Equatable {
    case malformed(String)
    case headerTooLarge
    case unsupportedVersion
    case unsupportedMethod
    case unsupportedEncoding
    case headTimeout
    case bodyTimeout
    /// The right to send it ended before it was whole.
    case lostRight(RightLoss)
    /// Less than so many bytes a second.
    case bodyTooSlow(rate: Int)
    case bodyTooLarge(limit: Int)
    case bodyNotExpected
    case draining
    /// It held most of what is in flight, and there was not room for all.
    case overloaded
    /// The function that was to answer it failed.
    case broken
}

/// How one request is to be answered.
@available(freshet 0.1, *)
package enum RequestPlan: Sendable {
    /// With what is known now; a body is not read.
    case respond(Response)
    /// After some work that needs no body.
    case act(@Sendable () async -> Reply)
    /// After a page was read from a stream, in turn with the pages of others (`PageLine`).
    case read(@Sendable () async -> Reply)
    /// After the whole body, up to a limit of bytes. A client that waits for a word before it sends the body
    /// (`Expect: 100-continue`), or that sends a large one, is told the refusal instead, where there is one by then.
    case collect(limit: Int, refusal: @Sendable () async -> Response? = { nil }, @Sendable ([UInt8]) async -> Reply)
    /// As `collect`, by work that needs no task to wait in: the reply is there at once, or nil and it is told later.
    case answer(
        limit: Int,
        refusal: @Sendable () async -> Response? = { nil },
        @Sendable ([UInt8], any LaterReply) -> Reply?
    )
    /// By appending the body while it arrives.
    case streamingAppend(StreamingAppendPlan)
    /// By a function that reads the body while it arrives and writes the response while it is made.
    case exchange(ExchangePlan)
    /// As is decided after some work, such as asking who may. Nothing of the body is looked at before.
    case later(@Sendable () async -> RequestPlan)
    /// For as long as the right to it is there.
    indirect case granted(any AccessGrant, RequestPlan)
    /// While something is held, such as one of the reads that its sender may have open: let go of when the request is over,
    /// however it ends.
    indirect case holding(any AnyObject & Sendable, RequestPlan)
    /// For somebody whom the access log names.
    indirect case named(String, RequestPlan)
}

/// The way to a request whose reply comes later. It may be used on any thread.
@available(freshet 0.1, *)
package protocol LaterReply: Sendable {
    /// Runs something on the request's event loop, soon.
    func onLoop(_ body: @escaping @Sendable () -> Void)
    /// The reply. Told once.
    func tell(_ reply: Reply)
}

@available(freshet 0.1, *)
extension LaterReply {
    /// Has the reply made by a task, which begins at once.
    package func tell(_ work: @escaping @Sendable () async -> Reply) {
        Task.beginning { self.tell(await work()) }
    }
}

/// What becomes of a request.
@available(freshet 0.1, *)
package enum Reply: Sendable {
    case response(Response)
    case subscribe(SubscriptionPlan)
    /// With a stretch of a stream, at the pace of the peer.
    case catchUp(CatchUpPlan)
    /// With the response to a long-poll, once there is something to tell or it has waited long enough.
    case wait(LongPollPlan)
    /// By a function that writes the response while it is made. There is no body left for it to read.
    case exchange(ExchangePlan)
    /// After work that may take long. Its task is cancelled when the peer leaves, which is noticed without writing, and
    /// then nobody is answered.
    case pending(@Sendable () async -> Reply)
}

/// A read that goes on until the stream ends.
@available(freshet 0.1, *)
package struct SubscriptionPlan: Sendable {
    package var name: StreamName
    package var form: EventForm
    package var headers: [HeaderField]
    /// What the reader asked for, as text: shown in a gap.
    package var requested: String
    package var opening: Opening
    /// The reader has been here before: it came with a position.
    package var isResume: Bool
    /// The cursor that a Durable Streams read is told at this moment; what other forms have no use for.
    package var cursor: @Sendable () -> UInt64
    /// What a foreign read is told last, after so many events; other forms say it in Freshet's own events.
    package var conclude: @Sendable (Conclusion, _ events: Int) -> ForeignEnd = { _, _ in
        ForeignEnd(bytes: [], isTorn: true)
    }
    /// What keeps the connection alive, where the other protocol has something of its own.
    package var heartbeat: [UInt8]?
    /// Called on the event loop when so many events have been given to the connection.
    package var delivered: (@Sendable (Int) -> Void)?

    /// Why a read is over.
    package enum Conclusion: Sendable, Equatable {
        case ended(StreamEnd)
        case removed(Removal)
        /// The stream goes on, but this response cannot.
        case unavailable(ReconnectReason)
    }

    /// The last words of a foreign read.
    package struct ForeignEnd: Sendable, Equatable {
        package var bytes: [UInt8]
        /// The body is left unfinished, so that no reader can take it for a whole one.
        package var isTorn: Bool

        package init(bytes: [UInt8], isTorn: Bool) {
            self.bytes = bytes
            self.isTorn = isTorn
        }
    }

    package enum Opening: Sendable {
        /// The first page of the read.
        case page(Page)
        /// From the tail, which is told with `event: start`.
        case now(Page)
        /// The position is no offset at all: a gap, then everything that is kept.
        case malformed(Page)
        /// There is no such stream yet. The position it begins at is told when it was asked for `now`.
        case held(tellsStart: Bool)
    }

    package init(
        name: StreamName,
        form: EventForm,
        headers: [HeaderField],
        requested: String,
        opening: Opening,
        isResume: Bool = false,
        cursor: @escaping @Sendable () -> UInt64 = { 0 }
    ) {
        self.name = name
        self.form = form
        self.headers = headers
        self.requested = requested
        self.opening = opening
        self.isResume = isResume
        self.cursor = cursor
    }
}

/// A request whose body is appended while it arrives.
@available(freshet 0.1, *)
package struct StreamingAppendPlan: Sendable {
    package var contentType: ContentType
    /// The end that comes with the last piece, when the request carries `Stream-Closed: true`.
    package var end: EndRequest?
    /// Opens the request against the streams; the problem when it may not be.
    package var open:
        @Sendable (_ onStop: @escaping @Sendable (ProducerStop) -> Void) async -> Result<StreamingProducer, Problem>
    /// Makes the final response.
    package var response: @Sendable (StreamingAppendResult) -> Response

    package init(
        contentType: ContentType,
        end: EndRequest?,
        open:
            @escaping @Sendable (_ onStop: @escaping @Sendable (ProducerStop) -> Void) async
            -> Result<StreamingProducer, Problem>,
        response: @escaping @Sendable (StreamingAppendResult) -> Response
    ) {
        self.contentType = contentType
        self.end = end
        self.open = open
        self.response = response
    }
}

/// How a streaming append came to its end.
@available(freshet 0.1, *)
package struct StreamingAppendResult: Sendable {
    package enum Outcome: Sendable {
        /// The body ended cleanly and everything is kept.
        case complete(StreamEnd?)
        /// The stream ended, went, or another request took over.
        case stopped(ProducerStop)
        /// The store refused a batch.
        case refused(AppendOutcome)
        case failed(StoreError)
        /// A piece was not what the stream's type allows; everything before it is kept.
        case badPiece(PieceError)
        /// The server is going away.
        case draining
        /// The right to append is gone.
        case lostRight(RightLoss)
        /// There is not memory for what has arrived.
        case overloaded
    }

    package var outcome: Outcome
    /// The offset of the last event of this request that is kept; where it keeps none, the tail it began at.
    package var last: Offset?

    package init(outcome: Outcome, last: Offset?) {
        self.outcome = outcome
        self.last = last
    }
}

@available(freshet 0.1, *)
extension SubscriptionPlan.Opening {
    /// How many events the first write carries.
    var events: Int {
        switch self {
        case .page(let page), .malformed(let page): page.events.count
        case .now, .held: 0
        }
    }

    /// How many bytes of events the first page has.
    var bytes: Int {
        switch self {
        case .page(let page), .now(let page), .malformed(let page): page.size
        case .held: 0
        }
    }

    /// Lets go of the events of the first page.
    mutating func forgetEvents() {
        switch self {
        case .page(var page):
            page.events = []
            self = .page(page)
        case .malformed(var page):
            page.events = []
            self = .malformed(page)
        case .now, .held: break
        }
    }
}

@available(freshet 0.1, *)
extension Reply {
    /// How many bytes of events it brings from the store.
    var bytes: Int {
        switch self {
        case .response(let response): response.body.count
        case .subscribe(let plan): plan.opening.bytes
        case .catchUp(let plan): plan.page.size
        case .wait, .exchange, .pending: 0
        }
    }

    var kind: RequestStateMachine.ReplyKind {
        switch self {
        case .response: .response
        case .subscribe: .subscription
        case .catchUp: .catchUp
        case .wait: .wait
        case .exchange: .exchange
        case .pending: .pending
        }
    }
}
