import FreshetServer
import RedisStreamStore
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
        case redis(String, password: String?, replicas: Int)
    }

    let kind: Kind

    /// In memory: streams are lost with the process.
    public static let memory = StreamStorage(kind: .memory)

    /// In a directory, in an SQLite database. It is made where it is missing; one process at a time uses it.
    public static func directory(_ path: String, durability: Durability = .disk) -> StreamStorage {
        StreamStorage(kind: .directory(path, durability))
    }

    /// In a Redis or Valkey, for any number of processes: each of them serves all streams. The program goes on while it cannot
    /// be reached; what it asks of streams then fails with the code `unavailable`.
    ///
    /// - Parameters:
    ///   - url: `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS, then with `?ca=FILE` where its
    ///     certificate is a private one. Of a Redis that Sentinels watch
    ///     `redis-sentinel://[user[:password]@]host[:port],…/master-name[/database]`, or `rediss-sentinel://`, with
    ///     `?sentinel-password=PASSWORD` where the sentinels ask for one.
    ///   - password: the password, where it is not in the URL.
    ///   - replicas: how many replicas of Redis must have an event before it is acknowledged, and before anybody reads it; from
    ///     0 to 16. The page `operations.md` says what each number survives.
    public static func redis(_ url: String, password: String? = nil, replicas: Int = 0) -> StreamStorage {
        StreamStorage(kind: .redis(url, password: password, replicas: replicas))
    }

    /// The path of the directory; nil elsewhere.
    var path: String? {
        switch kind {
        case .memory, .redis: nil
        case .directory(let path, _): path
        }
    }

    /// Whether other processes serve the same streams.
    var isShared: Bool { if case .redis = kind { true } else { false } }

    /// What usually bounds it.
    func limits(_ configuration: ServerConfiguration) -> StoreLimits {
        switch kind {
        case .memory: StoreLimits(configuration, in: .memory)
        case .directory: StoreLimits(configuration, in: .directory)
        case .redis: StoreLimits(inRedis: configuration)
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
        case .redis(let text, let password, let replicas):
            var url: RedisURL
            do throws(RedisURLError) {
                url = try RedisURL(text)
            } catch {
                throw SetupError(["The URL of Redis is not one: \(error)."])
            }
            if let password { url.password = password }
            var configuration = RedisStoreConfiguration(RedisConfiguration(url))
            configuration.limits = limits
            configuration.replicas = replicas
            if let flaw = configuration.flaw { throw SetupError([flaw]) }
            let store = RedisStreamStore(configuration: configuration)
            store.begin()
            return .redis(store)
        }
    }
}

/// A store that is open.
@available(freshet 0.1, *)
enum Keeping: Sendable {
    case memory(MemoryStreamStore)
    case directory(SQLiteStreamStore)
    case redis(RedisStreamStore)

    var store: any StreamStore {
        switch self {
        case .memory(let store): store
        case .directory(let store): store
        case .redis(let store): store
        }
    }

    /// Lets go of the directory or of Redis; what was acknowledged is kept without it too.
    func close() async {
        switch self {
        case .memory: break
        case .directory(let store): await store.close()
        case .redis(let store): await store.close()
        }
    }
}
