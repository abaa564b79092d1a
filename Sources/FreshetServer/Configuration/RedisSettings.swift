package import RedisStreamStore
import SQLiteStreamStore

/// The settings of a Redis or Valkey that keeps the streams of several nodes: a part of `ServerSettings`.
@available(freshet 0.1, *)
package struct RedisSettings: Sendable {
    package let redisReplicas = Setting<Int>(
        "redis-replicas",
        .whole(0...16),
        default: 0,
        "With streams in Redis, how many of its replicas must have an event before it is acknowledged and before anybody reads it. "
            + "Set it to the number of all replicas that may become the master."
    )

    package let redisPasswordFile = Setting<String?>(
        "redis-password-file",
        .path,
        default: nil,
        "File whose first line is the password for Redis, so that it stands in no URL and on no command line."
    )

    package let redisSentinelPasswordFile = Setting<String?>(
        "redis-sentinel-password-file",
        .path,
        default: nil,
        "File whose first line is the password for the Redis Sentinels, where they ask for one."
    )

    package let redisCAFile = Setting<String?>(
        "redis-ca-file",
        .path,
        default: nil,
        "PEM file of the certificates that the certificate of a rediss:// store, and of its sentinels, may come from; without it, those of the "
            + "system."
    )

    package let redisRequireSafe = Setting<Bool>(
        "redis-require-safe",
        .toggle,
        default: false,
        "Start only if Redis is set up so that no acknowledged event is lost with one machine. Otherwise what is missing is logged as a "
            + "warning."
    )
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Where streams are kept, by all settings that say it.
    package var keptIn: StoreSetting { self.memory ? .memory : self.store }

    /// The Redis that keeps the streams, with the password and the certificates of files; nil where none does.
    ///
    /// - Throws: `KeyFileError` where the file of the password holds none. It shows no secret.
    package func readRedis() throws(KeyFileError) -> RedisURL? {
        guard case .redis(var url) = keptIn else { return nil }
        if let file = self.redisPasswordFile { url.password = try SecretFile.firstLine(of: file, what: "a password") }
        if let file = self.redisSentinelPasswordFile {
            url.sentinelPassword = try SecretFile.firstLine(of: file, what: "a password")
        }
        if let file = self.redisCAFile { url.ca = file }
        return url
    }

    /// What the settings of the store must not be together.
    func storeContradictions() -> [String] {
        var found: [String] = []
        if case .redis(let url) = self.store {
            if self.memory { found.append("memory: store names a Redis. Take one of the two out") }
            if url.password != nil, self.redisPasswordFile != nil {
                found.append("redis-password-file: the URL in store has a password too. Take one of the two out")
            }
            if url.user != nil, url.password == nil, self.redisPasswordFile == nil {
                found.append(
                    "store: the user in the URL has no password. Set redis-password-file to a file that holds it"
                )
            }
            found += sentinelContradictions(url)
            if self.redisCAFile != nil, !url.isSecure {
                found.append(
                    "redis-ca-file: certificates are of TLS, which redis:// does not speak. Write rediss://, or take it out"
                )
            }
            if self.redisCAFile != nil, url.ca != nil {
                found.append("redis-ca-file: the URL in store names certificates too. Take one of the two out")
            }
            if self.durability != .fsync {
                found.append(
                    "durability: it is about a data directory. What Redis keeps is a matter of its own settings and of redis-replicas; "
                        + "take it out"
                )
            }
            return found
        }
        let alone = "streams are not kept in Redis. Take it out, or set store to redis://HOST"
        if self.redisReplicas != 0 { found.append("redis-replicas: \(alone)") }
        if self.redisPasswordFile != nil { found.append("redis-password-file: \(alone)") }
        if self.redisSentinelPasswordFile != nil { found.append("redis-sentinel-password-file: \(alone)") }
        if self.redisCAFile != nil { found.append("redis-ca-file: \(alone)") }
        if self.redisRequireSafe { found.append("redis-require-safe: \(alone)") }
        return found
    }

    private func sentinelContradictions(_ url: RedisURL) -> [String] {
        let file = self.redisSentinelPasswordFile
        if url.masterName == nil {
            guard file != nil else { return [] }
            return [
                "redis-sentinel-password-file: store names a Redis and no sentinels. Take it out, or write redis-sentinel://"
            ]
        }
        if url.sentinelPassword != nil, file != nil {
            return [
                "redis-sentinel-password-file: the URL in store has a sentinel-password too. Take one of the two out"
            ]
        }
        if url.sentinelUser != nil, url.sentinelPassword == nil, file == nil {
            return [
                "store: the sentinel-user in the URL has no password. Set redis-sentinel-password-file to a file that holds it"
            ]
        }
        return []
    }
}
