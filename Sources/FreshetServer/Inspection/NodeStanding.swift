#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a node is called, and whether it is being shut down.
@available(freshet 0.1, *)
struct NodeStanding: Sendable {
    /// The machine's name and the port on which it listens; without the port as long as it does not.
    private(set) var name = Self.host
    var isDraining = false

    mutating func listens(on port: Int) { name = "\(Self.host):\(port)" }

    /// As the system has it; nothing is looked up.
    private static var host: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
