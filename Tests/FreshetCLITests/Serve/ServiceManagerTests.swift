import Foundation
import Locks
import Testing

@testable import FreshetCLI

@Suite struct ServiceManagerTests {
    @Test func nobodyIsToldWhereNobodyAsks() {
        #expect(ServiceManager(environment: [:]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": ""]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "vsock:2:1234"]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)]) == nil)
    }

    @Test func aSignOfLifeComesTwiceInTheTimeThatItMayTake() {
        func interval(_ variables: [String: String]) -> Duration? {
            ServiceManager(environment: ["NOTIFY_SOCKET": "/run/x"].merging(variables) { $1 }, process: 42)?.interval
        }
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]) == .seconds(15))
        #expect(
            interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "41"]) == nil,
            "it is meant for another process"
        )
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval([:]) == nil)
    }

    @Test func aProgramThatHangsGivesNoSignOfLife() async throws {
        let listener = try DatagramListener()
        let manager = try #require(
            ServiceManager(environment: ["NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "2000"])
        )
        let checks = Mutex(0)
        let (never, end) = AsyncStream<Void>.makeStream()
        let telling = Task {
            await manager.keepTelling {
                guard
                    checks.withLock({
                        $0 += 1; return $0
                    }) == 3
                else { return }
                for await _ in never {}
            }
        }
        #expect(await listener.next() == "WATCHDOG=1")
        #expect(await listener.next() == "WATCHDOG=1")
        #expect(await listener.next(within: 100) == nil, "the third check has not returned")
        telling.cancel()
        await telling.value
        end.finish()
    }
}

/// A socket that messages of sd_notify(3) arrive at.
private final class DatagramListener: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("freshet-\(UUID().uuidString.prefix(8))")
        .path
    private let descriptor: Int32

    init() throws {
        #if canImport(Darwin)
        descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
        #else
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// The next message; nil when there is none within so many milliseconds. Waits on a thread of its own: those that tasks
    /// run on are few.
    func next(within milliseconds: Int32 = 60_000) async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.receive(within: milliseconds)) }
        }
    }

    private func receive(within milliseconds: Int32) -> String? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }
}
