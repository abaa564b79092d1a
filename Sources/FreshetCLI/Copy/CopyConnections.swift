import ArgumentParser
import FreshetServer
import RedisStreamStore
import SQLiteStreamStore
import StreamCore

/// Opens the places that are copied from and to.
@available(freshet 0.1, *)
final class CopyConnections {
    private let passwordFile: String?
    private let sentinelPasswordFile: String?
    private var stores: [RedisStreamStore] = []

    init(passwordFile: String?, sentinelPasswordFile: String?) {
        self.passwordFile = passwordFile
        self.sentinelPasswordFile = sentinelPasswordFile
    }

    func export(_ place: CopyPlace, _ options: ClientOptions) async throws -> any StreamExport {
        switch place {
        case .directory(let path): try DirectoryExport(directory: path)
        case .server(let url): ServerExport(server: url, client: try options.client())
        case .redis(let url): RedisExport(try await connect(url))
        }
    }

    func importing(_ place: CopyPlace) async throws -> any StreamImport {
        switch place {
        case .directory(let path): try DirectoryImport(directory: path)
        case .redis(let url): RedisImport(try await connect(url))
        case .server: preconditionFailure("validated: nothing is copied to a server")
        }
    }

    /// Lets go of Redis.
    func close() async {
        for store in stores { await store.close() }
    }

    /// A store that takes no part in the cluster: it is no node.
    private func connect(_ url: RedisURL) async throws -> RedisStreamStore {
        var url = url
        if let passwordFile { url.password = try SecretFile.firstLine(of: passwordFile, what: "a password") }
        if let sentinelPasswordFile {
            url.sentinelPassword = try SecretFile.firstLine(of: sentinelPasswordFile, what: "a password")
        }
        var configuration = RedisStoreConfiguration(RedisConfiguration(url))
        configuration.pulse = nil
        let store = RedisStreamStore(configuration: configuration)
        stores.append(store)
        do throws(RedisTrouble) {
            try await store.start(within: .seconds(10))
        } catch {
            await store.close()
            Terminal.note("The Redis at \(url) cannot be used: \(error)")
            throw ExitStatus.network.code
        }
        return store
    }
}
