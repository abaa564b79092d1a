import ArgumentParser

/// `freshet bench`: loads a server, and tells what it did.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Load a server, and tell how late it was.",
        discussion: """
            Each mode loads a server at a fixed rate that waits for nothing, and counts latency from when something was due: a server \
            that stalls is not asked less (no coordinated omission). Streams are made for the run, under bench/, and deleted at its end \
            and on SIGINT; other streams are never touched. Try it where a load does no harm: nothing else bounds what it asks.

            Where this program was the limit, it says so: its figures are then those of the client. Give it a machine of its own.

            EXAMPLES
              freshet bench fan-out --readers 1000 --rate 50
              freshet bench tokens https://streams.example.org --key key --streams 500 --json > before
              freshet bench tokens https://streams.example.org --key key --streams 500 --compare before
              freshet bench fan-out --url https://example.org/events --readers 10

            EXIT STATUS
              0  measured, without errors
              1  there were errors, or the server refused
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
