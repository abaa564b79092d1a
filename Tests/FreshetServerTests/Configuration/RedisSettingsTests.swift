import Foundation
import FreshetServer
import RedisStreamStore
import Testing

@Suite("Settings of where streams are kept")
struct RedisSettingsTests {
    private func read(_ flags: [String: String] = [:], file: String? = nil) throws(ConfigurationError)
        -> ServerConfiguration
    {
        try ServerConfiguration(
            flags: flags.mapValues { .text($0) },
            environment: [:],
            file: file.map { ConfigurationFile(name: "freshet.yaml", text: $0) }
        )
    }

    private func problems(_ flags: [String: String] = [:], file: String? = nil) -> String {
        do throws(ConfigurationError) {
            _ = try read(flags, file: file)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private let redis = ["store": "redis://r.example"]

    @Test("streams are kept in a directory unless something else is said, and memory says it as before")
    func places() throws {
        #expect(try read().keptIn == .directory)
        #expect(try read(["data": "x"]).keptIn == .directory)
        #expect(try read(["memory": "true"]).keptIn == .memory)
        #expect(try read(["store": "memory"]).keptIn == .memory)
        #expect(try read(["store": "directory", "data": "x"]).keptIn == .directory)
        #expect(try read(redis).keptIn == .redis(RedisURL("redis://r.example")))
    }

    @Test("a Redis is named by its URL, and its password and certificates by files")
    func files() throws {
        let file = NSTemporaryDirectory() + "freshet-test-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data("the secret\nmore".utf8).write(to: URL(fileURLWithPath: file))
        let configuration = try read([
            "store": "rediss://me@r.example:7000/3", "redis-password-file": file, "redis-ca-file": "ca.pem",
        ])
        let url = try #require(try configuration.readRedis())
        #expect(url.user == "me" && url.password == "the secret" && url.ca == "ca.pem" && url.database == 3)
        let sentinels = try read([
            "store": "redis-sentinel://s1.example,s2.example/main", "redis-sentinel-password-file": file,
        ])
        let named = try #require(try sentinels.readRedis())
        #expect(named.sentinelPassword == "the secret" && named.password == nil && named.masterName == "main")
        #expect(try read().readRedis() == nil)
        try Data("\nsecret".utf8).write(to: URL(fileURLWithPath: file))
        let empty = #expect(throws: KeyFileError.self) { try configuration.readRedis() }
        #expect(empty?.description.contains("an empty line") == true && empty?.description.contains("secret") == false)
    }

    @Test("no password is shown, neither of a URL that is right nor of one that is wrong")
    func secrets() throws {
        let configuration = try read(["store": "redis://me:secret@r.example/2"])
        #expect(SettingsTable.server.named("store")?.show(configuration) == "redis://r.example:6379/2")
        let wrong = [
            "redis://me:secret/@r.example", "redis://me:secret@r.example:port", "redis://secret:@r.example",
            "redis-sentinel://me:secret@r.example", "http://me:secret@r.example", "redis:secret",
        ]
        for text in wrong {
            let said = problems(["store": text])
            #expect(said.hasPrefix("--store: it is not directory, memory, or redis://"), "\(said)")
            #expect(!said.contains("secret"), "\(said)")
        }
        let sentinels = try read(["store": "redis-sentinel://me:secret@s1,s2/main?sentinel-password=secret"])
        #expect(SettingsTable.server.named("store")?.show(sentinels) == "redis-sentinel://s1:26379,s2:26379/main")
        #expect(problems(["store": "sqlite"]).contains("--store: \"sqlite\" is not directory, memory, or redis://"))
    }

    @Test("what contradicts itself is refused at the start")
    func contradictions() {
        #expect(problems(redis).isEmpty)
        #expect(problems(redis.merging(["redis-replicas": "2", "redis-require-safe": "true"]) { $1 }).isEmpty)
        #expect(problems(redis.merging(["memory": "true"]) { $1 }).contains("memory: store names a Redis"))
        #expect(problems(redis.merging(["data": "x"]) { $1 }).contains("--data: --store says"))
        #expect(problems(["store": "memory", "data": "x"]).contains("--data: --store says"))
        // For a file or the image, it is the place of those who keep streams in one.
        #expect(problems(redis, file: "data: /var/lib/freshet").isEmpty)
        #expect(problems(file: "store: redis://r.example\ndata: /var/lib/freshet").isEmpty)
        #expect(
            problems(redis.merging(["durability": "os"]) { $1 }).contains("durability: it is about a data directory")
        )
        let hook = ["hook": "https://h.example", "hook-secret-file": "s"]
        #expect(problems(redis.merging(hook) { $1 }).isEmpty)
        #expect(problems(["store": "redis://me@r.example"]).contains("store: the user in the URL has no password"))
        let both = ["store": "redis://:p@r.example", "redis-password-file": "f"]
        #expect(problems(both).contains("redis-password-file: the URL in store has a password too"))
        #expect(
            problems(redis.merging(["redis-ca-file": "f"]) { $1 }).contains("redis-ca-file: certificates are of TLS")
        )
        let authorities = ["store": "rediss://r.example?ca=a", "redis-ca-file": "b"]
        #expect(problems(authorities).contains("redis-ca-file: the URL in store names certificates too"))
        let file = ["redis-sentinel-password-file": "f"]
        #expect(problems(redis.merging(file) { $1 }).contains("store names a Redis and no sentinels"))
        let sentinels = ["store": "redis-sentinel://s/m"]
        #expect(problems(sentinels).isEmpty && problems(sentinels.merging(file) { $1 }).isEmpty)
        let twice = ["store": "redis-sentinel://s/m?sentinel-password=p"].merging(file) { $1 }
        #expect(problems(twice).contains("the URL in store has a sentinel-password too"))
        let user = ["store": "redis-sentinel://s/m?sentinel-user=u"]
        #expect(problems(user).contains("the sentinel-user in the URL has no password"))
        #expect(problems(user.merging(file) { $1 }).isEmpty)
        for setting in [
            "redis-replicas": "1", "redis-password-file": "f", "redis-sentinel-password-file": "f",
            "redis-ca-file": "f", "redis-require-safe": "true",
        ] {
            let said = problems([setting.key: setting.value])
            #expect(said.contains("\(setting.key): streams are not kept in Redis"), "\(said)")
        }
        #expect(problems(redis.merging(["redis-replicas": "17"]) { $1 }).contains("a whole number from 0 to 16"))
    }
}
