import ArgumentParser
import FreshetHooks
import FreshetServer
import Logging
import RedisStreamStore
import SQLiteStreamStore
import StreamCore

/// Where a server keeps its streams.
@available(freshet 0.1, *)
enum Keeping {
    case memory(MemoryStreamStore)
    case directory(SQLiteStreamStore, path: String)
    case redis(RedisStreamStore, RedisURL)

    /// Opens it. What stands in the way is told to the user, and ends the command.
    ///
    /// - Parameter redis: the Redis, with its password; nil where streams are kept elsewhere.
    static func open(
        _ place: StoreSetting,
        _ configuration: ServerConfiguration,
        redis: RedisURL?,
        _ logger: Logger
    ) async throws -> Keeping {
        let limits = StoreLimits(configuration, in: place)
        switch place {
        case .memory: return .memory(MemoryStreamStore(limits: limits, outbox: Hooks.rules(configuration)))
        case .directory:
            var chosen = SQLiteStoreConfiguration(durability: configuration.durability, limits: limits)
            chosen.outbox = Hooks.rules(configuration)
            do {
                let path = configuration.data
                return .directory(try SQLiteStreamStore(directory: path, configuration: chosen), path: path)
            } catch {
                Terminal.note("\(error)")
                throw ExitCode(1)
            }
        case .redis:
            guard let redis else { preconditionFailure("the inputs have the Redis that the settings name") }
            return .redis(try await connect(redis, configuration, limits, logger), redis)
        }
    }

    /// Waits for Redis, and looks what it is set up to survive.
    private static func connect(
        _ url: RedisURL,
        _ configuration: ServerConfiguration,
        _ limits: StoreLimits,
        _ logger: Logger
    ) async throws -> RedisStreamStore {
        var chosen = RedisStoreConfiguration(RedisConfiguration(url))
        chosen.limits = limits
        chosen.replicas = configuration.redisReplicas
        chosen.outbox = Hooks.rules(configuration)
        let store = RedisStreamStore(configuration: chosen)
        do throws(RedisTrouble) {
            try await store.start(within: .seconds(10))
        } catch {
            await store.close()
            Terminal.note("The Redis at \(url) cannot be used: \(error)")
            throw ExitCode(1)
        }
        let gaps = await store.safetyGaps()
        guard configuration.redisRequireSafe, !gaps.isEmpty else {
            for gap in gaps { logger.warning("\(gap)") }
            return store
        }
        await store.close()
        for gap in gaps { Terminal.note(gap) }
        Terminal.note("redis-require-safe is set: the server does not start.")
        throw ExitCode(1)
    }

    var store: any StreamStore {
        switch self {
        case .memory(let store): store
        case .directory(let store, _): store
        case .redis(let store, _): store
        }
    }

    /// What is to be told of ends.
    var outbox: any Outbox {
        switch self {
        case .memory(let store): store
        case .directory(let store, _): store
        case .redis(let store, _): store
        }
    }

    /// For whoever starts a server.
    var description: String {
        switch self {
        case .memory: "Streams are kept in memory: they are lost when the server ends."
        case .directory(_, let path): "Streams are kept in \(path)."
        case .redis(let store, let url): "Streams are kept in \(url), by this node as \(store.standing.session)."
        }
    }

    /// What session cookies are signed with, as long as the streams are there.
    func sessionSecrets() async throws -> SessionSecrets {
        switch self {
        case .memory: .ofThisProcess
        case .directory(_, let path): try SessionSecrets(directory: path)
        case .redis(let store, _):
            SessionSecrets(shared: try await store.sharedSecret(orElse: SessionSecrets.fresh()))
        }
    }

    /// Says what ends with the process.
    func tellLoss(_ logger: Logger) {
        guard case .memory(let store) = self, store.count > 0 else { return }
        logger.warning("The streams were kept in memory and are lost.", metadata: ["streams": "\(store.count)"])
    }

    /// Lets go of the directory or of Redis; what was acknowledged is kept without it too.
    func close() async {
        switch self {
        case .memory: break
        case .directory(let store, _): await store.close()
        case .redis(let store, _): await store.close()
        }
    }
}
