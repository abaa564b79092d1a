import ArgumentParser

/// `freshet bench`: puts a server under load and reports its latency.
@available(freshet 0.1, *)
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Put a server under load and report its latency.",
        discussion: """
            Each mode keeps a fixed rate, whatever the server does, and measures latency from the moment at which something was due: a \
            server that stalls does not get a lower rate (no coordinated omission). The streams of a run are under bench/, and are deleted \
            at its end and on SIGINT; other streams are never touched. Use it only where a load does no harm.

            If this program was the limit, it says so: its figures then tell of the client. Run it on a machine of its own.

            EXAMPLES
              freshet bench fan-out --readers 1000 --rate 50
              freshet bench tokens https://streams.example.org --key key --streams 500 --json > before
              freshet bench tokens https://streams.example.org --key key --streams 500 --compare before
              freshet bench fan-out --url https://example.org/events --readers 10

            EXIT STATUS
              0  measured without errors
              1  errors occurred, or the server refused
              7  no connection
             64  wrong usage
             74  the output cannot be written
            130  interrupted (128 and the number of the signal)
            """,
        subcommands: [
            FanOut.self,
            Tokens.self,
            AppendLoad.self,
            Replay.self,
            SlowReaders.self,
            Ramp.self,
            RelayCalls.self,
        ]
    )
}
