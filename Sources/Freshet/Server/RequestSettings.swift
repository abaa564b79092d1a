package import FreshetServer

/// What is set of a server: only what differs from the defaults, which are those of `freshet serve`.
@available(freshet 0.1, *)
public struct SettingValues: Sendable, Hashable {
    package var core = ServerConfiguration()

    package init() {}
}

/// The settings of requests, which a whole server (`EmbeddedServer.Configuration`) and the routes inside another server
/// (`HummingbirdStreams.Configuration` of `FreshetHummingbird`) have in common.
///
/// What each may be is told by ``SetupError`` where it is not, and by the page `configuration.md`.
@available(freshet 0.1, *)
public protocol RequestSettings {
    /// Everything that is set, with or without a property.
    var values: SettingValues { get set }
}

@available(freshet 0.1, *)
extension RequestSettings {
    /// Origins whose pages may read and write, as `scheme://host[:port]`, beside the server's own. Inside an
    /// application the routes of streams answer CORS themselves: leave them out of a CORS middleware.
    public var allowedOrigins: [String] {
        get { values.core.allowedOrigins }
        set { values.core.allowedOrigins = newValue }
    }
    /// Beginnings of names under which a POST to an unknown stream creates it; `*` for every stream.
    public var createOnPost: [String] {
        get { values.core.createOnPost }
        set { values.core.createOnPost = newValue }
    }
    /// Beginnings of names whose catch-up reads a shared cache may keep; `*` for every stream.
    public var publicCache: [String] {
        get { values.core.publicCache }
        set { values.core.publicCache = newValue }
    }
    /// How long a reader that follows hears nothing before a heartbeat is written.
    public var heartbeat: Duration {
        get { values.core.heartbeat }
        set { values.core.heartbeat = newValue }
    }
    /// What `retry:` tells an `EventSource`.
    public var retry: Duration {
        get { values.core.retry }
        set { values.core.retry = newValue }
    }
    /// How long a reader of a name that does not exist yet is held.
    public var hold: Duration {
        get { values.core.hold }
        set { values.core.hold = newValue }
    }
    /// How long a reader may take nothing before it is closed.
    public var writeStall: Duration {
        get { values.core.writeStall }
        set { values.core.writeStall = newValue }
    }
    /// The largest body of one atomic append, in bytes.
    public var bodyBytes: Int {
        get { values.core.bodyBytes }
        set { values.core.bodyBytes = newValue }
    }
    /// The most events in the body of one atomic append.
    public var bodyEvents: Int {
        get { values.core.bodyEvents }
        set { values.core.bodyEvents = newValue }
    }
    /// The longest line of a streaming body, in bytes.
    public var lineBytes: Int {
        get { values.core.lineBytes }
        set { values.core.lineBytes = newValue }
    }
    /// The most names that do not exist yet and are waited for.
    public var heldNames: Int {
        get { values.core.heldNames }
        set { values.core.heldNames = newValue }
    }
    /// The most readers that wait for such names.
    public var heldReaders: Int {
        get { values.core.heldReaders }
        set { values.core.heldReaders = newValue }
    }
    /// The most requests a second of one caller, by the name that `authorise` returned or that of its key; twice as many may
    /// come at once. Nil for no limit.
    public var quotaRequests: Int? {
        get { values.core.quotaRequests }
        set { values.core.quotaRequests = newValue }
    }
    /// The most reads that one caller follows streams with at one time; nil for no limit.
    public var quotaReaders: Int? {
        get { values.core.quotaReaders }
        set { values.core.quotaReaders = newValue }
    }
    /// The most streaming appends, and calls of the relay, that one caller has open at one time; nil for no limit.
    public var quotaProducers: Int? {
        get { values.core.quotaProducers }
        set { values.core.quotaProducers = newValue }
    }
    /// The most streams that one caller creates in an hour; nil for no limit.
    public var quotaStreams: Int? {
        get { values.core.quotaStreams }
        set { values.core.quotaStreams = newValue }
    }
    /// How long a server that was told to stop serves open producers and their readers.
    public var drainDeadline: Duration {
        get { values.core.drainDeadline }
        set { values.core.drainDeadline = newValue }
    }
}
