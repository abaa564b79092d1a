import Foundation
import StreamHTTP

/// The service manager that started this process and wants to be told how it is: systemd's `Type=notify` and
/// `WatchdogSec`, by the protocol of sd_notify(3).
@available(freshet 0.1, *)
struct ServiceManager: Sendable {
    /// The path of its socket; one that begins with `@` is in the abstract name space.
    let socket: String
    /// How often it wants a sign of life, half the time after which it gives up; nil where it wants none.
    let interval: Duration?

    /// Nil where nobody asked to be told.
    init?(environment: [String: String], process: Int32 = getpid()) {
        guard let socket = environment["NOTIFY_SOCKET"], socket.hasPrefix("/") || socket.hasPrefix("@"),
            (2..<Self.longestPath).contains(socket.utf8.count)
        else { return nil }
        self.socket = socket
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        interval = environment["WATCHDOG_USEC"].flatMap { isMeant ? Int64($0) : nil }
            .flatMap { $0 > 0 ? .microseconds($0) / 2 : nil }
    }

    func isReady(at url: String) { tell("READY=1\nSTATUS=Listening on \(url)") }

    func isStopping() { tell("STOPPING=1\nSTATUS=Shutting down: streams in progress are finished") }

    /// Gives signs of life until the task is cancelled, each after `check` has returned: a program that hangs gives none.
    func keepTelling(after check: () async -> Void) async {
        guard let interval else { return }
        let clock = EventLoopClock()
        while !Task.isCancelled {
            await check()
            tell("WATCHDOG=1")
            try? await clock.sleep(for: interval)
        }
    }

    /// One message. That it cannot be told is no reason to stop serving.
    private func tell(_ state: String) {
        #if canImport(Darwin)
        let descriptor = Foundation.socket(AF_UNIX, SOCK_DGRAM, 0)
        #else
        let descriptor = Foundation.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(socket.utf8)
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        // A path ends with a zero byte; an abstract name ends where the address does.
        let end = path[0] == 0 ? path.count : path.count + 1
        let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + end)
        let message = Array(state.utf8)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, message, message.count, 0, $0, length)
            }
        }
    }

    private static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
}
