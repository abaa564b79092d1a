import ArgumentParser
import EventSource
import Foundation
import FreshetServer
import NIOCore
import ProbeProtocol
import StreamHTTP

/// `freshet doctor --listen`: an origin that has nothing but the probe.
@available(freshet 0.1, *)
struct DoctorOrigin {
    /// `HOST:PORT`, or one of the two; nil for a free port of this machine alone.
    let address: String?

    func run() async throws {
        let (host, port) = try parse()
        let isOpen = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255) }
        let server = await HTTPServer(
            responder: ProbeResponder(access: isOpen ? .everybody : .tokens([secret])),
            configuration: DataPlaneConfiguration(ServerConfiguration())
        )
        let signals = TrappedSignals.begin([SIGTERM, SIGINT])
        let channel: any Channel
        let bound: SocketAddress
        do {
            (channel, bound) = try await server.listen(host: host, port: port)
        } catch {
            Terminal.note("cannot listen on \(host):\(port): \(TransportTrouble.describe(error))")
            throw DoctorStatus.failed.code
        }
        tell(host, bound.port ?? port, isOpen ? nil : secret)
        for await _ in signals { break }
        try? await channel.close()
        await server.stop()
    }

    private func tell(_ host: String, _ port: Int, _ secret: [UInt8]?) {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        var lines = ["The doctor's origin listens on http://\(name):\(port)"]
        var flags = ""
        if let secret {
            let token = ProbeToken.issue(
                keyDigest: secret,
                now: Int64(Date().timeIntervalSince1970),
                lifetime: ProbeToken.longestLifetime
            )
            flags = " --token \(token)"
            lines.append("Its token is good for \(ProbeToken.longestLifetime / 60) minutes.")
        }
        lines.append(
            "Put it behind the proxy, then: freshet doctor URL-OF-THE-PROXY --origin http://\(name):\(port)\(flags)"
        )
        try? Terminal.write(Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func parse() throws -> (host: String, port: Int) {
        guard let address, !address.isEmpty else { return ("127.0.0.1", 0) }
        if let port = Int(address), (0...65_535).contains(port) { return ("127.0.0.1", port) }
        guard let authority = Authority(parsing: address) else {
            throw ValidationError("'\(address)' is not HOST:PORT; write 127.0.0.1:9000, or a port alone.")
        }
        let host = authority.host
        return (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host, authority.port ?? 0)
    }
}
