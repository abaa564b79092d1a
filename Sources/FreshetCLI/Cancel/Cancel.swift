import ArgumentParser
import EventSource
import NIOHTTP1

/// `freshet cancel`: asks a stream to stop.
struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a stream to stop: it ends as cancelled, and its producers are told.",
        discussion: """
            Prints how the stream has ended: 'cancelled', or the reason for which it had ended before.

            EXAMPLE
              freshet cancel answer

            EXIT STATUS
              0  the stream has ended
              1  the server refused
              6  there is no such stream
              7  no connection
             64  wrong usage
            """
    )

    @Argument(help: "The stream's URL, or its name on the server that FRESHET_URL names (\(StreamURL.defaultServer)).")
    var url: String

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let stream = try StreamURL(url)
        let answer = try await options.client().answer(.POST, stream.url, headers: [("Stream-Cancel", "true")])
        print(answer.end?.reason?.rawValue ?? "cancelled")
    }
}
