import ArgumentParser
import CompletionRelay
import FreshetDemo
import FreshetRelay
import FreshetServer
import StreamCore

/// `freshet serve`: the server.
@available(freshet 0.1, *)
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve streams over HTTP.",
        discussion: """
            Prints its URL and runs until SIGTERM or SIGINT. It then finishes the streams that are being written, asks all \
            other readers to reconnect, and exits with status 0. A second signal stops it at once. SIGHUP reads the keys file, the \
            keys of token issuers, the secrets of hooks, the header fields for a collector, the certificate, allowed origins, hosts \
            and the log level again, and reopens the access log. With --reload-seconds the server looks by itself whether these \
            files have changed.

            Streams are stored in a directory, \(ServerSettings.all.data.defaultValue) unless you name another, and survive \
            crashes, power failures and restarts. `freshet backup` copies the directory, `freshet check` verifies it.

            Settings come from flags, FRESHET_... environment variables and a YAML file, in this order of precedence.
            """
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        try await ServerRun(options: options).run()
    }
}

/// `freshet demo`: the server with its pages.
@available(freshet 0.1, *)
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show in a browser what streaming with Freshet is like.",
        discussion: """
            Serves a chat page whose answers arrive word by word through the relay: from a built-in model that needs no \
            network and no key, or from a model of yours. Reload in the middle of an answer, open the page twice, press Stop.

              freshet demo --upstream http://localhost:11434/v1 --model llama3.2

            OpenAI and Anthropic clients can call the model `builtin` too, at /v1.

            /race shows one answer as JSON, chunked text, NDJSON and SSE, through a proxy that buffers and over a connection \
            that breaks. /article runs the ten lines of an article that stream, and shows what goes wrong with them.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Use this model provider instead, such as http://localhost:11434/v1, with `key=env:VARIABLE` if it needs a key.",
            valueName: "url"
        )
    )
    var upstream: String?

    @Option(help: ArgumentHelp("The model's name there.", valueName: "name"))
    var model: String?

    @OptionGroup var options: ServeOptions

    func validate() throws {
        if (upstream == nil) != (model == nil) {
            throw ValidationError(
                "--upstream and --model go together: where the model is, and what it is called there."
            )
        }
        do {
            _ = try named
        } catch {
            throw ValidationError("--upstream: \(error.reason)")
        }
    }

    func run() async throws {
        let named = try named
        let builtin = try UpstreamSetting(parsing: BuiltinUpstream.model)
        let asked = Upstream(named ?? builtin)
        let model = model ?? BuiltinUpstream.model
        try await ServerRun(
            options: options,
            invitation: "Open it in a browser.",
            isDemonstration: true,
            ownUpstreams: [builtin] + (named.map { [$0] } ?? [])
        ) { streams, relay in
            guard let relay else { preconditionFailure("a demonstration has upstreams of its own") }
            let relayed = RelayedModel(relay: relay, upstream: asked, model: model)
            let site = named == nil ? StaticSite.demo : .demo(model: model, at: asked.authority)
            return [DemoRoutes(streams: streams, model: relayed, site: site)]
        }.run()
    }

    private var named: UpstreamSetting? {
        get throws(Refusal) {
            guard let upstream else { return nil }
            return try UpstreamSetting(parsing: "model \(upstream)")
        }
    }
}
