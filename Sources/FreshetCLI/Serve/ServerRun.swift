import ArgumentParser
import Foundation
import FreshetServer
import Logging
import NIOCore
import StreamCore
import UnixSignals

/// One run of a server, from its configuration to its last signal.
struct ServerRun {
    var options: ServeOptions
    /// What follows the URL.
    var invitation: String?
    var extra: @Sendable (Streams) -> [any RouteGroup] = { _ in [] }

    func run() async throws {
        let configuration: ServerConfiguration
        let keys: KeyRing?
        do {
            configuration = try options.configuration(environment: ProcessInfo.processInfo.environment)
            keys = try configuration.readKeys()
        } catch {
            throw ValidationError("\(error)")
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "freshet")
        logger.logLevel = configuration.logLevel

        let store = MemoryStreamStore(limits: StoreLimits(configuration))
        let service = await FreshetService(
            configuration: configuration,
            store: store,
            keys: keys,
            logger: logger,
            extra: extra
        )
        // Trapped before the URL is out: whoever has seen it may send a signal.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let address: SocketAddress
        do {
            address = try await service.start()
        } catch {
            await service.stop()
            Terminal.note(
                "cannot listen on \(configuration.host):\(configuration.port): \(error). Is it in use? "
                    + "Choose another with --port."
            )
            throw ExitCode(1)
        }
        announce(configuration, address)
        await waitForSignals(signals, service, logger)
        if store.count > 0 {
            logger.warning(
                "The streams were kept in memory and are lost.",
                metadata: ["streams": "\(store.count)"]
            )
        }
        await service.stop()
    }

    private func announce(_ configuration: ServerConfiguration, _ address: SocketAddress) {
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        let url = "http://\(host):\(address.port ?? configuration.port)"
        let lines = ["Freshet listens on \(url)"] + (invitation.map { [$0] } ?? [])
        // Nobody reads it: the server goes on without.
        _ = Terminal.write(Array((lines.joined(separator: "\n") + "\n").utf8))
        Terminal.note("Streams are kept in memory: they are lost when the server ends.")
    }

    /// The first signal drains; the second, or the end of the draining, returns.
    private func waitForSignals(_ signals: UnixSignalsSequence, _ service: FreshetService, _ logger: Logger) async {
        let (first, firstSignal) = AsyncStream.makeStream(of: Void.self)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var count = 0
                for await _ in signals {
                    count += 1
                    if count > 1 { return }
                    firstSignal.yield()
                }
            }
            group.addTask {
                for await _ in first {
                    logger.info("Going away: streams that are being written may be read to their end.")
                    return await service.drain()
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
