import ArgumentParser
import FreshetServer

/// `freshet relay`: the server, before providers of language models.
@available(freshet 0.1, *)
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Relay calls to language models, and keep each answer as a stream.",
        discussion: """
            Does what `freshet serve` does, and relays POST /v1/chat/completions, /v1/responses and /v1/messages. An OpenAI \
            or Anthropic client changes only its base URL:

              client = OpenAI(base_url="http://127.0.0.1:4437/v1")
              client = Anthropic(base_url="http://127.0.0.1:4437")

            A call with "stream": true becomes a stored stream, whose URL is in Location: it continues when the caller \
            disconnects, can be read again from any position, and is stopped with `freshet cancel`. With an Idempotency-Key a \
            repeated call gets the first one's answer. Every other path is passed on.

            Without --upstreams the upstreams are openai and anthropic, called with the key that the caller sends, and builtin, a \
            model in this program. Name others in a few words each:

              --upstreams "local http://localhost:11434/v1 key=none"
              --upstreams "openai key=env:OPENAI_API_KEY"
              --upstreams gemini --upstreams ollama          (their own clients, at /v1beta and /api)
              --upstreams "agents sse http://localhost:8000"    (any POST to /relay/agents/ that answers with events)

            The server's own keys are used only for callers with a Freshet key (--keys), except on loopback. Each upstream is \
            also reached by its name, at /relay/NAME/v1.
            """
    )

    /// What is called when nothing is configured. None of them spends a key of the server's.
    static let usualUpstreams = ["openai", "anthropic", "builtin"].compactMap { try? UpstreamSetting(parsing: $0) }

    @OptionGroup var options: ServeOptions

    func run() async throws {
        try await ServerRun(options: options, usualUpstreams: Self.usualUpstreams).run()
    }
}
