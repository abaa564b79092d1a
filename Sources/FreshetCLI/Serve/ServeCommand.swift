import ArgumentParser
import FreshetServer
import StreamCore

/// `freshet serve`: the server.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve streams over HTTP.",
        discussion: """
            Prints its URL and runs until SIGTERM or SIGINT. It then lets streams that are being written be read to \
            their end, asks all other readers to come back, and ends with status 0; a second signal ends it at once.

            Streams are kept in a directory, \(ServerConfiguration.defaultData) unless another is named, and survive the \
            server, its machine's power and its restarts. `freshet backup` copies it, `freshet check` verifies it.

            Settings come from flags, from FRESHET_... variables and from a YAML file, in this order.
            """
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        try await ServerRun(options: options).run()
    }
}

/// `freshet demo`: the server with its pages.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show in a browser what streaming with Freshet is like.",
        discussion: """
            Serves a chat page whose answers arrive word by word, from an answerer that is built in: no network, no \
            key. Reload in the middle, open the page twice, press Stop.

            /race shows one answer as JSON, chunked text, NDJSON and SSE, with a proxy in between that buffers, and a \
            connection that is cut. /article runs ten lines that stream, and shows what goes wrong with them.
            """
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        try await ServerRun(options: options, invitation: "Open it in a browser.", isDemonstration: true) { streams in
            [DemoRoutes(streams: streams)]
        }.run()
    }
}
