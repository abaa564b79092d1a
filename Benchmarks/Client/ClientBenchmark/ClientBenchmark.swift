import EventSource
import ServerSentEvents

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads one stream to its end, and prints how many events it saw and how many bytes of data they had.
///
///     ClientBenchmark eventsource URL     with `EventSource`
///     ClientBenchmark lines URL           a byte at a time and split into lines, as with `URLSession`'s `bytes(for:)`
@available(freshet 0.1, *)
@main
struct ClientBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let tally: Tally
        switch (arguments.count, arguments.dropFirst().first) {
        case (3, "eventsource"): tally = try await readEvents(arguments[2])
        case (3, "lines"): tally = try await readLines(arguments[2])
        default:
            print("usage: ClientBenchmark eventsource|lines URL")
            exit(64)
        }
        print("\(tally.events) \(tally.bytes)")
    }

    static func readEvents(_ url: String) async throws -> Tally {
        var tally = Tally()
        for try await element in EventSource(url: url, configuration: .freshet) {
            if case .event(let event) = element { tally.count(event.data) }
        }
        return tally
    }
}

/// What was read.
@available(freshet 0.1, *)
struct Tally {
    var events = 0
    /// Bytes of UTF-8 in the events' data.
    var bytes = 0

    mutating func count(_ data: String) {
        events += 1
        bytes += data.utf8.count
    }
}
