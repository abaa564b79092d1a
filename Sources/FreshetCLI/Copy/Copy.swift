import ArgumentParser
import Locks
import StreamCore

/// `freshet copy`: moves streams from one store to another.
@available(freshet 0.1, *)
struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy streams from one store to another, with their ids.",
        discussion: """
            FROM is a data directory that no server uses, a Redis as redis://host or redis-sentinel://host/master-name, or a server by its URL. TO is a data directory \
            that no server uses, which is created if it is missing, or a Redis. Readers of a copied stream continue with their last \
            ids, as if it had never moved.

            From a directory or Redis everything is copied: options, events with their ids, ends, what is known of idempotent \
            producers, leases and times to live. A server tells nothing of producers and of the relay's own records: a producer \
            that goes on after that starts a new epoch. Calls of webhooks are not copied.

            Streams that are there already are skipped, and those that have gone on since get what is missing. So an interrupted \
            copy is finished by repeating it. A stream appears when it is complete.

            EXAMPLES
              freshet copy ./freshet-data redis://redis.internal
              freshet copy --prefix chat/ https://old.example ./freshet-data

            EXIT STATUS
              0  all streams are there
              1  some could not be copied, or nothing: standard error says which, and why
              7  no connection
             64  wrong usage
            """
    )

    @Argument(
        help: ArgumentHelp("Where the streams are: a data directory, a Redis, or a server's URL.", valueName: "from")
    )
    var source: String

    @Argument(help: ArgumentHelp("Where they go: a data directory or a Redis.", valueName: "to"))
    var target: String

    @Option(help: ArgumentHelp("Only streams whose names begin with this.", valueName: "text"))
    var prefix = ""

    @Option(help: ArgumentHelp("A file whose first line is the password for Redis.", valueName: "file"))
    var redisPasswordFile: String?

    @Option(help: ArgumentHelp("A file whose first line is the password for the Redis Sentinels.", valueName: "file"))
    var redisSentinelPasswordFile: String?

    @OptionGroup var options: ClientOptions

    func validate() throws {
        let (from, to) = (try CopyPlace(source), try CopyPlace(target))
        guard from != to else { throw ValidationError("FROM and TO are the same.") }
        if case .server(let url) = to {
            throw ValidationError(
                "TO is a server, \(url), which gives every event that it gets over HTTP an id of its own. Copy to where it keeps its "
                    + "streams: its data directory, when it is stopped, or its Redis."
            )
        }
    }

    func run() async throws {
        let (from, to) = (try CopyPlace(source), try CopyPlace(target))
        let connections = CopyConnections(
            passwordFile: redisPasswordFile,
            sentinelPasswordFile: redisSentinelPasswordFile
        )
        let export = try await connections.export(from, options)
        let copy = StreamCopy(source: export, target: try await connections.importing(to), prefix: prefix)
        let line = Mutex(ProgressLine())
        let result: StreamCopy.Progress
        do throws(StoreError) {
            result = try await copy.run { progress in line.withLock { $0.show(progress) } }
        } catch {
            line.withLock { $0.end() }
            Terminal.note("\(CopyReport.trouble(error)) Repeat the command to copy the rest.")
            throw ExitStatus.refused.code
        }
        line.withLock { $0.end() }
        for left in result.left { Terminal.note(CopyReport.line(left)) }
        for remark in CopyReport.remarks(from, export) { Terminal.note(remark) }
        await connections.close()
        try Terminal.write(Array((CopyReport.summary(result, from, to) + "\n").utf8))
        guard result.left.isEmpty else { throw ExitStatus.refused.code }
    }
}
