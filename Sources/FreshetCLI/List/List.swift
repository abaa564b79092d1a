import ArgumentParser
import EventSource
import Foundation
import NIOHTTP1
import TextCodecs

/// `freshet ls`: the streams of a server.
@available(freshet 0.1, *)
struct List: AsyncParsableCommand {
    private struct Page: Decodable {
        var streams: [StreamDescription]
        var next: String?
    }

    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the streams of a server.",
        discussion: """
            FRESHET_URL names the server (default: \(StreamURL.defaultServer)). Prints a table on a terminal, and tab-separated \
            columns into a pipe: name, type, events, bytes, readers, 'open' or the end reason, tail, seconds of lease, and seconds \
            until the stream expires if nobody uses it ('-' for none).

            EXAMPLES
              freshet ls chat/
              freshet ls --json | jq -r 'select(.end == null) | .name'

            EXIT STATUS
              0  listed
              1  the server refused
              7  no connection
             64  wrong usage
             74  the output cannot be written
            """
    )

    @Argument(help: "Only streams whose names begin with this.")
    var prefix = ""

    @Flag(help: "Print one JSON object per line, as the server returns it.")
    var json = false

    @OptionGroup var options: ClientOptions

    func validate() throws {
        // No name has it: a segment between slashes is never empty.
        guard !URLTrouble.isURL(prefix), AddressTrouble.describe(prefix) == nil else {
            throw ValidationError(
                "'\(prefix)' is an address, and 'ls' takes the beginning of names. FRESHET_URL names the server: "
                    + "FRESHET_URL=\(StreamURL.defaultServer) freshet ls"
            )
        }
    }

    func run() async throws {
        let server = try StreamURL.server()
        let client = try options.client()
        var all: [StreamDescription] = []
        var cursor: String?
        repeat {
            var url = server + "/v1/streams?prefix=" + PercentEncoding.encode(prefix, keeping: .unreserved)
            if let cursor { url += "&cursor=" + PercentEncoding.encode(cursor, keeping: .unreserved) }
            let response = try await client.response(.GET, url)
            let page = try JSONOutput.decode(Page.self, from: response, url)
            if json {
                for object in try JSONOutput.objects(in: response.body, under: "streams") {
                    try Terminal.write(object + [UInt8(ascii: "\n")])
                }
            } else {
                all += page.streams
            }
            cursor = page.next
        } while cursor != nil
        guard !json else { return }
        let text = Terminal.hasStandardOutput ? Table.aligned(all) : Table.separated(all)
        try Terminal.write(Array(text.utf8))
    }
}
