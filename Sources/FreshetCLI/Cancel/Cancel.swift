import ArgumentParser
import EventSource
import NIOHTTP1
import PrintableText

/// `freshet cancel`: asks a stream to stop.
@available(freshet 0.1, *)
struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a stream to stop: it ends as cancelled, and its producers are told.",
        discussion: """
            Prints how the stream has ended: 'cancelled', or the reason for which it had ended before.

            EXAMPLE
              freshet cancel answer

            EXIT STATUS
              0  the stream has ended
              1  the server refused, or is no Freshet server
              6  there is no such stream
              7  no connection
             64  wrong usage
             74  the output cannot be written
            """
    )

    @Argument(help: "The stream's URL, or its name on the server that FRESHET_URL names (\(StreamURL.defaultServer)).")
    var url: String

    @OptionGroup var options: ClientOptions

    /// What a Freshet server says about a cancelled stream.
    private static let missing = "nothing says how the stream ended (Stream-Closed, Stream-End-Reason)"

    func run() async throws {
        let stream = try StreamURL(url)
        let response = try await options.client().response(.POST, stream.url, headers: [("Stream-Cancel", "true")])
        guard response.isFreshets, let reason = response.end?.reason else {
            Terminal.note("\(stream.url) answered \(response.status), but this is no Freshet server: \(Self.missing)")
            throw ExitStatus.refused.code
        }
        try Terminal.write(Array("\(PrintableText.escaped(reason.rawValue))\n".utf8))
    }
}
