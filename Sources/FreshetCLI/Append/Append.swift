import ArgumentParser
import DurableStream
import EventSource
import Foundation
import StreamCore
import TextCodecs

/// `freshet append`: standard input becomes a stream.
@available(freshet 0.1, *)
struct Append: AsyncParsableCommand {
    /// How the stream ends when the input does.
    enum End: String, ExpressibleByArgument, CaseIterable {
        case done, failed, none
    }

    /// What a server takes as `Stream-End-Detail`, in bytes.
    static let longestDetail = 1024

    static let configuration = CommandConfiguration(
        abstract: "Turn standard input into a stream.",
        discussion: """
            Creates the stream, or continues an open one of that name, appends input as soon as it arrives, and ends the stream \
            when the input ends. Input that arrives during an append goes into the next one. Appends are numbered and retried \
            until the server acknowledges them: a broken connection or a server that restarts loses and duplicates nothing. \
            No more input is read while 1 MiB is unacknowledged. Input that a stream of its type cannot hold, SIGINT, SIGTERM \
            and SIGHUP end the stream as failed, after everything that came before.

            One event is, for text/event-stream, a block that ends with an empty line; for application/x-ndjson, a line; for \
            application/json, a line with one JSON value; for other text, what arrived together.

            EXAMPLES
              some-program | freshet append answer
              tail -f log.ndjson | freshet append --content-type application/x-ndjson http://host:4437/v1/stream/log
              make 2>&1 | freshet append build/42 --end-detail 'make finished'

            EXIT STATUS
              0  everything was acknowledged and the stream ended as asked
              1  the server refused, or the input could not be appended
              3  someone else ended the stream as failed
              4  the stream was cancelled
              5  the stream was abandoned: its lease ran out
              6  the stream is gone
              7  no connection for as long as --patience says
             64  wrong usage
            """
    )

    @Argument(help: "The stream's URL, or its name on the server that FRESHET_URL names (\(StreamURL.defaultServer)).")
    var url: String

    @Option(name: .shortAndLong, help: "The type of the stream.")
    var contentType = "text/plain"

    @Option(
        help: ArgumentHelp("Delete the stream after nobody has read or written it for this long.", valueName: "seconds")
    )
    var ttl: Int?

    @Option(
        help: ArgumentHelp(
            "End the stream as abandoned if this program is silent for this long; 0 for never. While there is no "
                + "input it renews the lease, and so learns within 5 seconds that the stream was cancelled. "
                + "(default: 60, or 0 with --end none)",
            valueName: "seconds"
        )
    )
    var lease: Int?

    @Option(help: "How the stream ends when the input does: \(End.allCases.map(\.rawValue).joined(separator: ", ")).")
    var end = End.done

    @Option(help: ArgumentHelp("A text about the end, for everyone who reads the stream.", valueName: "text"))
    var endDetail: String?

    @Option(help: ArgumentHelp("Give up after the server has been unreachable for this long.", valueName: "seconds"))
    var patience = 300

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard ContentType(contentType) != nil else {
            throw ValidationError("'\(contentType)' is not a media type; give one such as text/plain.")
        }
        guard (ttl ?? 1) > 0 else { throw ValidationError("--ttl must be at least 1 second.") }
        guard (lease ?? 0) >= 0 else { throw ValidationError("--lease must not be negative.") }
        guard patience >= 0 else { throw ValidationError("--patience must not be negative.") }
        guard endDetail == nil || end != .none else {
            throw ValidationError("--end-detail says something about an end, and --end none leaves the stream open.")
        }
        guard (endDetail?.utf8.count ?? 0) <= Self.longestDetail else {
            throw ValidationError("--end-detail must have at most \(Self.longestDetail) bytes.")
        }
    }

    func run() async throws {
        let stream = try StreamURL(url)
        // An open stream may wait for the next `append` for as long as it likes, unless a lease is asked for.
        let lease = lease ?? (end == .none ? 0 : 60)
        let told = ToldTrouble()
        var settings = AppendSession.Machine.Settings(
            contentType: ContentType(contentType)!.text,
            end: end == .none
                ? nil : EventSource.End(reason: .init(rawValue: end.rawValue), detail: endDetail)
        )
        settings.leaseSeconds = lease > 0 ? lease : nil
        settings.acceptsAnyOpenStream = self.lease == nil && ttl == nil
        settings.patience = .seconds(patience)
        let session = AppendSession(
            client: try options.client(),
            url: stream.url,
            settings: settings,
            ttlSeconds: ttl,
            producerID: RandomToken.text(),
            input: StandardInput(),
            progress: { bytes, appends, trouble in
                guard Terminal.hasStandardError else { return told.tell(trouble) }
                let done = "\(Terminal.size(bytes)) in \(appends) appends"
                Terminal.progress(trouble.map { "\(done); waiting: \($0)" } ?? done)
            }
        )
        let outcome = try await session.run()
        Terminal.progress("")
        let status: ExitStatus
        switch outcome {
        case .complete:
            status = .done
            if Terminal.hasStandardError { Terminal.note("\(stream.url) \(end == .none ? "left open" : "ended")") }
        case .inputFailed(let reason):
            Terminal.note("stopped: \(reason)" + (end == .none ? "" : "; the stream ended as failed"))
            status = .refused
        case .ended(let end):
            let reason = end.reason?.rawValue ?? "ended"
            Terminal.note("the stream takes no more: \(reason)" + (end.detail.map { " (\($0))" } ?? ""))
            status = end.reason == .done ? .refused : ExitStatus(end.reason)
        case .refused(let problem), .fenced(let problem, _):
            Terminal.note("refused: \(problem)")
            status = .refused
        case .foreign(let number):
            Terminal.note(
                "refused: the server answered \(number) without Stream-Next-Offset: this is no Freshet server"
            )
            status = .refused
        case .gone(let problem):
            Terminal.note("the stream is gone: \(problem)")
            status = .gone
        case .stopped:
            preconditionFailure("the producer is there until its outcome is")
        case .gaveUp(let reason):
            Terminal.note("gave up after \(patience) s: \(reason)")
            status = .network
        }
        if status != .done { throw status.code }
    }
}
