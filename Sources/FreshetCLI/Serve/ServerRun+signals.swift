import Foundation
import FreshetServer
import Logging
import NIOCore
import ServiceLifecycle

@available(freshet 0.1, *)
extension ServerRun {
    /// Serves until the first signal, which is a graceful shutdown, has come to its end, or until a second one. SIGHUP
    /// is none of these: it has read again what may change.
    ///
    /// - Parameter interval: how long a timer waits before it looks at the files again; nil for none.
    func serve(
        _ serving: Serving,
        _ signals: AsyncStream<CInt>,
        _ reloads: Reloads,
        every interval: Duration?,
        _ logger: Logger
    ) async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: serving, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger
            )
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var count = 0
                for await signal in signals {
                    if signal == SIGHUP {
                        await reloads.now()
                        continue
                    }
                    count += 1
                    if count > 1 { return }
                    serving.manager?.isStopping()
                    await group.triggerGracefulShutdown()
                }
            }
            if let interval { tasks.addTask { await reloads.keepLooking(every: interval) } }
            try await tasks.next()
        }
    }
}

/// A server as a service, which tells whoever started it how it is.
@available(freshet 0.1, *)
struct Serving: Service {
    let service: FreshetService
    let manager: ServiceManager?
    /// Prints where it listens, and returns that.
    let started: @Sendable (SocketAddress) -> String

    func run() async throws {
        var telling: Task<Void, Never>?
        defer { telling?.cancel() }
        try await service.serve { address in
            let url = started(address)
            guard let manager else { return }
            manager.isReady(at: url)
            telling = Task { [service] in await manager.keepTelling { await service.untilEveryLoopResponds() } }
        }
    }
}
