import SQLiteStreamStore
import StreamCore

/// Where streams are kept.
@available(freshet 0.1, *)
public struct StreamStorage: Sendable, Hashable {
    /// How an acknowledged event is kept in a directory.
    public enum Durability: Sendable, Hashable {
        /// On the disk: it survives the loss of power.
        case disk
        /// With the operating system: it survives the death of the process, not that of the machine.
        case system
    }

    enum Kind: Hashable {
        case memory
        case directory(String, Durability)
    }

    let kind: Kind

    /// In memory: streams are lost with the process.
    public static let memory = StreamStorage(kind: .memory)

    /// In a directory, in an SQLite database. It is made where it is missing; one process at a time uses it.
    public static func directory(_ path: String, durability: Durability = .disk) -> StreamStorage {
        StreamStorage(kind: .directory(path, durability))
    }

    /// The path of the directory; nil in memory.
    var path: String? {
        switch kind {
        case .memory: nil
        case .directory(let path, _): path
        }
    }

    /// Opens it. Reading what is not yet in chunks takes a moment.
    func open(_ limits: StoreLimits) throws(SetupError) -> Keeping {
        switch kind {
        case .memory: return .memory(MemoryStreamStore(limits: limits))
        case .directory(let path, let durability):
            let configuration = SQLiteStoreConfiguration(
                durability: durability == .disk ? .fsync : .os,
                limits: limits
            )
            do {
                return .directory(try SQLiteStreamStore(directory: path, configuration: configuration))
            } catch {
                throw SetupError(["\(error)"])
            }
        }
    }
}

/// A store that is open.
@available(freshet 0.1, *)
enum Keeping: Sendable {
    case memory(MemoryStreamStore)
    case directory(SQLiteStreamStore)

    var store: any StreamStore {
        switch self {
        case .memory(let store): store
        case .directory(let store): store
        }
    }

    /// Lets go of the directory; what was acknowledged is kept without it too.
    func close() async {
        if case .directory(let store) = self { await store.close() }
    }
}
