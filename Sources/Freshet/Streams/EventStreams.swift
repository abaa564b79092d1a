package import FreshetServer
import Locks
package import StreamCore

/// The streams that a program keeps: a store, and around it leases, times to live, and who reads what.
///
/// ```swift
/// let streams = try EventStreams(storage: .directory("streams"))
/// let stream = try await streams.create("answers/1")
/// try await stream.append("Hello")
/// ```
///
/// What is done here and what is done over HTTP is the same: both go through one object. Times to live and leases run
/// out while a server (``EmbeddedServer``, or `HummingbirdStreams` of `FreshetHummingbird`) runs over them; without
/// one, what is due is done when a stream is next used.
@available(freshet 0.1, *)
public final class EventStreams: Sendable {
    package let streams: Streams
    package let configuration: Configuration
    private let keeping: Keeping
    /// Where they are kept; nil in memory and in Redis.
    private let directory: String?
    /// Other processes serve them too.
    private let isShared: Bool
    private let readers = Mutex<Readers>(Readers())

    private struct Readers {
        var cursors: [ObjectIdentifier: TailCursor] = [:]
        var hasStopped = false
    }

    /// Opens a store. A directory with much that is not yet in chunks takes a moment.
    ///
    /// - Throws: ``SetupError`` when a setting is not allowed, or when the directory is damaged, used by another
    ///   process, or of a newer version.
    public init(
        storage: StreamStorage = .memory,
        configuration: Configuration = Configuration()
    ) throws(SetupError) {
        let all = configuration.settings
        let problems = all.problems()
        guard problems.isEmpty else { throw SetupError(problems) }
        self.configuration = configuration
        self.keeping = try storage.open(storage.limits(all))
        self.directory = storage.path
        self.isShared = storage.isShared
        self.streams = Streams(store: keeping.store, configuration: StreamsConfiguration(all))
    }

    /// The stream of a name, whether it exists or not.
    ///
    /// - Parameter name: what follows `/v1/stream/` in the stream's URL, decoded: 1 to 512 bytes of UTF-8 without
    ///   control characters, in segments between slashes of which none is empty, `.` or `..`.
    /// - Throws: ``EventStreamError`` with the code `invalidName`.
    public func stream(_ name: String) throws(EventStreamError) -> EventStream {
        do throws(StreamName.Invalid) {
            return EventStream(try StreamName(name), of: self)
        } catch {
            throw EventStreamError(error, name: name)
        }
    }

    /// Creates a stream, or finds it as it would have been created.
    ///
    /// - Throws: ``EventStreamError`` with the code `alreadyExists` when a stream of that name is there and differs in
    ///   how it was created or has ended, and `invalidName`, `invalidOptions`, `full` and those of the store.
    public func create(
        _ name: String,
        _ options: EventStream.Options = EventStream.Options()
    ) async throws(EventStreamError) -> EventStream {
        let stream = try stream(name)
        try await stream.create(options)
        return stream
    }

    /// Streams in the order of their names (by UTF-8 bytes), at most `limit` of them, from 1 to 1000.
    ///
    /// - Parameters:
    ///   - prefix: what their names begin with.
    ///   - after: the name after which to begin: the last one of the page before.
    ///   - limit: how many at most.
    public func list(
        prefix: String = "",
        after: String? = nil,
        limit: Int = 1000
    ) async throws(EventStreamError) -> [EventStream.Info] {
        do throws(StoreError) {
            return try await streams.list(prefix: prefix, after: after, limit: min(max(limit, 1), 1000))
                .map { EventStream.Info($0, streams.attendance(of: $0.name)) }
        } catch {
            throw EventStreamError(error)
        }
    }

    /// Ends every read in this process with the code `stopped`, and lets go of the store. What was acknowledged is
    /// kept. A server that owns its streams does this when it has stopped.
    public func close() async {
        let cursors = readers.withLock { readers in
            readers.hasStopped = true
            return Array(readers.cursors.values)
        }
        for cursor in cursors { cursor.stop() }
        await keeping.close()
    }

    /// What session cookies are signed with: by the secrets of the file that is set, by one in the directory, or, in
    /// memory, by one that is lost with the process as the streams are.
    package func sessionSecrets(_ settings: ServerConfiguration) throws(SetupError) -> SessionSecrets {
        do throws(KeyFileError) {
            if let set = try settings.readSessionSecrets() { return set }
            if let directory { return try SessionSecrets(directory: directory) }
        } catch {
            throw SetupError(["\(error)"])
        }
        guard isShared else { return .ofThisProcess }
        throw SetupError([
            "session-secret-file: other processes serve the streams in Redis too, and must take this one's session cookies. Set it to "
                + "a file of the same secret on each of them"
        ])
    }

    /// How many streams would be lost with the process.
    var unkept: Int {
        if case .memory(let store) = keeping { store.count } else { 0 }
    }

    func enter(_ cursor: TailCursor) {
        let hasStopped = readers.withLock { readers in
            readers.cursors[ObjectIdentifier(cursor)] = cursor
            return readers.hasStopped
        }
        if hasStopped { cursor.stop() }
    }

    func leave(_ cursor: TailCursor) {
        readers.withLock { $0.cursors[ObjectIdentifier(cursor)] = nil }
    }
}
