package import NIOCore
import ServiceLifecycle

@available(freshet 0.1, *)
extension FreshetService {
    /// The whole life of a server: starts, serves until it is told to stop, and stops.
    ///
    /// A graceful shutdown drains first. A cancellation closes everything at once; readers resume by their last id.
    /// - Parameter started: told the address, as soon as it listens.
    /// - Throws: why it could not start.
    package func serve(_ started: (SocketAddress) async -> Void) async throws {
        let address: SocketAddress
        do {
            address = try await start()
        } catch {
            await stop()
            throw error
        }
        await started(address)
        await untilShutdown { await drain() }
        await stop()
    }
}

/// Waits for a graceful shutdown, and drains when it comes. A cancellation returns at once: there is no time for more.
@available(freshet 0.1, *)
package func untilShutdown(drain: () async -> Void) async {
    guard (try? await gracefulShutdown()) != nil else { return }
    await drain()
}
