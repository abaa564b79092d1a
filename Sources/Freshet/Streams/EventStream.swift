import StreamCore

/// One stream: a log of events with a name, which is read while it is written, and which ends once, with a reason.
///
/// A value of this type names a stream and holds nothing of it. It may be copied, kept, and used by several tasks at a
/// time. What is appended has one order for all who read, here or over HTTP.
@available(freshet 0.1, *)
public struct EventStream: Sendable {
    let core: StreamName
    let home: EventStreams

    init(_ core: StreamName, of home: EventStreams) {
        self.core = core
        self.home = home
    }

    /// What follows `/v1/stream/` in its URL, decoded.
    public var name: String { core.text }

    /// Creates the stream, or finds it as it would have been created.
    ///
    /// - Returns: whether it was made by this call.
    /// - Throws: ``EventStreamError`` with the code `alreadyExists` when it is there and differs in how it was created
    ///   or has ended, `invalidOptions`, `full`, and those of the store.
    @discardableResult
    public func create(_ options: Options = Options()) async throws(EventStreamError) -> Bool {
        let request = CreateRequest(options: try options.core())
        let outcome = try await stored { () throws(StoreError) in try await home.streams.create(core, request) }
        switch outcome {
        case .created: return true
        case .exists: return false
        case .conflict(let info, .ended):
            throw EventStreamError(
                .alreadyExists,
                "The stream \"\(name)\" is there and has ended. Delete it first, or use another name.",
                end: info.end.map(End.init)
            )
        case .conflict(_, let conflict):
            throw EventStreamError(
                .alreadyExists,
                "The stream \"\(name)\" is there, with another \(conflict.rawValue). Delete it first, or use another name."
            )
        case .gone, .forkRefused:
            throw EventStreamError(
                .alreadyExists,
                "The stream \"\(name)\" was deleted, and its name is kept until the last of its forks is gone."
            )
        }
    }

    /// What can be said of the stream without reading it; nil when there is no such stream.
    public func info() async throws(EventStreamError) -> Info? {
        let info = try await stored { () throws(StoreError) in try await home.streams.info(core) }
        return info.map { Info($0, home.streams.attendance(of: core)) }
    }

    /// Deletes the stream. Connected readers are told.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    public func delete() async throws(EventStreamError) -> Bool {
        try await stored { () throws(StoreError) in try await home.streams.remove(core) }
    }

    func stored<Value: Sendable>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(EventStreamError) -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            throw EventStreamError(error)
        }
    }
}
