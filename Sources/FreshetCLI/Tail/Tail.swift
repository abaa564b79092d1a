import ArgumentParser
import EventSource
import Foundation
import FreshetServer
import NIOHTTP1
import StreamCore

/// `freshet tail`: follows a stream to its end.
@available(freshet 0.1, *)
struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow a stream, over any number of connections, until it ends.",
        discussion: """
            Prints the data of each event as it arrives: text exactly as it was appended, everything else one event per line. A \
            terminal gets control characters as escapes such as \\u{1B}, a pipe gets the bytes. If the stream does not exist yet, \
            waits for it. Reports gaps and the end on standard error.

            EXAMPLES
              freshet tail answer
              freshet tail --from now --ndjson http://host:4437/v1/stream/log | jq .data

            EXIT STATUS
              0  the stream ended as done
              1  the server refused, or the stream ended for no known reason
              3  the stream ended as failed
              4  the stream was cancelled
              5  the stream was abandoned: its producer went silent
              6  the stream is gone: deleted or expired
              7  no connection for as long as --patience says
             64  wrong usage
             74  the output cannot be written
            141  nobody reads the output any more
            """
    )

    @Argument(help: "The stream's URL, or its name on the server that FRESHET_URL names (\(StreamURL.defaultServer)).")
    var url: String

    @Option(
        help: ArgumentHelp(
            "Where to begin: 'start', 'now', or an offset, to read what comes after it.",
            valueName: "offset"
        )
    )
    var from = "start"

    @Flag(help: "Print one JSON object per line, with id, event and data.")
    var ndjson = false

    @Option(help: ArgumentHelp("Give up after there has been no connection for this long.", valueName: "seconds"))
    var patience = 300

    @Option(
        help: ArgumentHelp(
            "The largest event that the server accepts, if its setting event-bytes was raised.",
            valueName: "size"
        ),
        transform: { text in
            guard let bytes = ByteSize.parse(text), (1...1 << 30).contains(bytes) else {
                throw ValidationError("--event-bytes is a size from 1 to 1GiB, in bytes or with KiB, MiB or GiB.")
            }
            return bytes
        }
    )
    var eventBytes = ServerBounds.usualEventBytes

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard !from.isEmpty else { throw ValidationError("--from must be 'start', 'now' or an offset.") }
        guard patience >= 0 else { throw ValidationError("--patience must not be negative.") }
    }

    func run() async throws {
        let stream = try StreamURL(url)
        let client = try options.client()
        var output = TailOutput(isNDJSON: ndjson, kind: await Self.kind(of: stream, client))
        var notes = TailNotes()
        do {
            let source = EventSource(url: stream.url, configuration: configuration(client), client: client.http)
            for try await element in source {
                // A stream that was waited for has a type from its first event on.
                if output.kind == nil, case .event = element { output.kind = await Self.kind(of: stream, client) }
                let bytes = output.bytes(for: element)
                try Terminal.write(bytes)
                notes.printed(bytes)
                notes.tell(element)
                if case .end(let end) = element, ExitStatus(end.reason) != .done { throw ExitStatus(end.reason).code }
            }
        } catch let error as EventSourceError {
            notes.endProgress()
            throw Self.report(error).code
        }
    }

    private func configuration(_ client: StreamClient) -> EventSource.Configuration {
        var configuration = EventSource.Configuration.freshet(eventBytes: eventBytes)
        // There text keeps its carriage returns.
        configuration.format = .lines
        configuration.headers = client.authorization.map { (name: $0.0, value: $0.1) }
        configuration.startOffset = from == "start" ? "-1" : from
        configuration.givesUpAfter = .seconds(patience)
        return configuration
    }

    /// What the stream holds; nil when it does not exist yet or the server does not say. Any trouble here is met again,
    /// and handled, by the event source.
    private static func kind(of stream: StreamURL, _ client: StreamClient) async -> ContentType.Kind? {
        guard let response = try? await client.send(.HEAD, stream.url, timeout: .seconds(10)), response.status == 200
        else {
            return nil
        }
        return response.headers.first(name: "Content-Type").flatMap { ContentType($0) }?.kind
    }

    private static func report(_ error: EventSourceError) -> ExitStatus {
        switch error.code {
        case .gaveUp:
            Terminal.note(error.message)
            return .network
        case .status:
            let status = error.status ?? 0
            Terminal.note(ServerResponse.problem(status: status, body: Array((error.body ?? "").utf8)))
            return status == 404 || status == 410 ? .gone : .refused
        case .limitExceeded:
            Terminal.note("\(error.message). --event-bytes SIZE is for servers that take larger events.")
            return .refused
        default:
            Terminal.note(error.message)
            return .refused
        }
    }
}
