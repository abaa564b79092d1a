import Locks
import StreamCore
import TextCodecs

/// Which answer a response of a provider is: a small stream for each caller of an id, and one for the id itself, under
/// names that no caller can ask for.
///
/// An id belongs to the upstream that gave it and to the caller whose credential it was given to. It is written down
/// before the first event that shows it can be read, and kept for longer than the answer.
@available(freshet 0.1, *)
final class ResponseIndex: Sendable {
    static let prefix = StreamName.reservedPrefix + "relay/response/"

    /// What is known of an id.
    enum Standing: Sendable, Equatable {
        /// Nobody was given it here, or nobody is remembered to have been.
        case unknown
        /// It is somebody else's.
        case foreign
        /// It is the caller's own answer.
        case own(StreamName)
    }

    private let streams: Streams
    /// Entries that are being written anew, with their answers: in between there is none in the store.
    private let changing = Mutex<[StreamName: StreamName]>([:])

    init(_ streams: Streams) { self.streams = streams }

    /// Writes down an id. Of two answers of one caller that have the same, the later one counts from now on.
    func remember(_ id: String, of owner: ResponseOwner, is answer: StreamName, _ options: StreamOptions)
        async throws(StoreError)
    {
        for name in [Self.name(of: [owner.upstream, id]), Self.name(of: [owner.upstream, id, owner.credential])] {
            changing.withLock { $0[name] = answer }
            defer { changing.withLock { $0[name] = nil } }
            let event = EventBody(data: JSONWriter.object { $0.member("answer", answer.text) })
            let request = CreateRequest(options: options, events: [event])
            while true {
                if case .created = try await streams.create(name, request) { break }
                // Its expiry is that of an earlier answer.
                _ = try await streams.remove(name)
            }
        }
    }

    func standing(of id: String, for owner: ResponseOwner) async throws(StoreError) -> Standing {
        let own = Self.name(of: [owner.upstream, id, owner.credential])
        if let answer = changing.withLock({ $0[own] }) { return .own(answer) }
        if let entry = try await streams.read(own, from: .start)?.events.last,
            let answer = JSONSlice(entry.body.data)["answer"]?.string.flatMap({ try? StreamName($0) })
        {
            return .own(answer)
        }
        let anyone = Self.name(of: [owner.upstream, id])
        if changing.withLock({ $0[anyone] != nil }) { return .foreign }
        return try await streams.info(anyone) == nil ? .unknown : .foreign
    }

    /// Neither the id nor the credential can be read from a name.
    private static func name(of parts: [String]) -> StreamName {
        try! StreamName(prefix + SeparatedHash.text(of: parts))  // hexadecimal digits after a fixed prefix
    }
}

/// Whom a provider's id was given to.
@available(freshet 0.1, *)
struct ResponseOwner: Sendable, Equatable {
    var upstream: String
    /// What tells one caller's keys from another's.
    var credential: String
}
