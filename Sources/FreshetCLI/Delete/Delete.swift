import ArgumentParser
import NIOHTTP1

/// `freshet delete`: removes a stream.
@available(freshet 0.1, *)
struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a stream: its events are gone, its readers are told, and its name is free again.",
        discussion: """
            An open stream is deleted too; its producers are refused from then on. While a stream has forks, its name \
            stays taken until the last of them is deleted.

            EXAMPLE
              freshet delete answer

            EXIT STATUS
              0  the stream is deleted
              1  the server refused, or is no Freshet server
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
        let response = try await options.client().response(.DELETE, stream.url)
        // Something that answers 200 to everything has deleted nothing.
        guard response.status == 204 else {
            Terminal.note("\(stream.url) answered \(response.status), and a Freshet server answers 204 to DELETE")
            throw ExitStatus.refused.code
        }
        if Terminal.hasStandardError { Terminal.note("\(stream.url) deleted") }
    }
}
