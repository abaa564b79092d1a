import ArgumentParser
import AsyncHTTPClient
import EventSource
import Foundation
import NIOCore
import NIOPosix
import StreamHTTP

/// Runs a mode: checks what it needs, makes its streams, measures, tells, and deletes the streams, whatever happened.
@available(freshet 0.1, *)
struct BenchRun<Mode: BenchMode> {
    /// Descriptors beside the connections: loops, standard streams, files of the system's libraries.
    private static var reserve: Int { 64 }

    let mode: Mode
    let options: BenchOptions

    /// - Throws: The status to exit with; everything has been told then.
    func run() async throws {
        let settings = try options.settings()
        let earlier = try options.earlier()
        if let earlier, earlier.mode != Mode.name {
            throw ValidationError("The file of --compare is of the mode '\(earlier.mode)', not '\(Mode.name)'.")
        }
        try Self.checkDescriptors(connections: mode.connections, threads: settings.threads)
        let authorities = try options.client.trust.authorities()
        // A key of the environment is for the server that the environment names.
        let key = try mode.foreign == nil || options.client.key != nil ? options.client.bearerKey() : nil

        let signals = TrappedSignals.begin([SIGINT, SIGTERM] + TrappedSignals.hangUp())
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.threads)
        var configuration = StreamClient.configuration(trusting: authorities)
        if settings.isHTTP1 { configuration.httpVersion = .http1Only }
        let http = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
        let streams = BenchStreams(
            server: settings.server,
            prefix: settings.stream,
            client: StreamClient(key: key, trusting: authorities)
        )
        let measurements = Measurements()
        let context = BenchContext(
            options: settings,
            streams: streams,
            measurements: measurements,
            client: http,
            loops: group.makeIterator().map { $0 }
        )

        let work = Task { [mode] in try await Self.measure(mode, context) }
        let interruption = Interruption()
        let watcher = Task {
            for await number in signals {
                // A second one does not wait for the streams to be deleted.
                if interruption.note(number) { work.cancel() } else { _exit(128 + number) }
            }
        }
        let outcome = await work.result
        measurements.end()
        Terminal.progress("")
        // Before the streams are deleted: their readers would be told.
        try? await http.shutdown()
        let (left, why) = await streams.delete()
        watcher.cancel()
        try? await group.shutdownGracefully()
        if left > 0 { Terminal.note("\(left) streams could not be deleted: \(why ?? "")") }
        try tell(outcome, context, interruption.signal, earlier)
        if left > 0 { throw ExitStatus.refused.code }
    }

    /// Why the run cannot have so many connections.
    private static func checkDescriptors(connections: Int, threads: Int) throws {
        OpenFiles.raiseLimit()
        let needed = connections + reserve + 4 * threads
        guard OpenFiles.limit < needed else { return }
        throw ValidationError(
            "\(connections) connections need \(needed) file descriptors, and this process may have \(OpenFiles.limit) "
                + "(RLIMIT_NOFILE, 'ulimit -Hn'): raise that limit or take fewer."
        )
    }

    /// The load, and what the client itself needs for it meanwhile.
    private static func measure(_ mode: Mode, _ context: BenchContext) async throws -> ClientLoad {
        for loop in context.loops { LoopLag.watch(loop, into: context.measurements) }
        if mode.streamCount > 0 { try await context.streams.make(mode.streamCount) }
        let progress = Task { await BenchProgress(context).show() }
        defer { progress.cancel() }
        try await mode.run(context)
        return ClientLoad(
            processors: context.measurements.processors,
            threads: context.options.threads,
            loopLagP99: Double(context.measurements.histogram(.loopLag).quantile(0.99)) / 1000,
            latenessP99: Double(context.measurements.histogram(.lateness).quantile(0.99)) / 1000
        )
    }

    private func tell(
        _ outcome: Result<ClientLoad, any Error>,
        _ context: BenchContext,
        _ signal: Int32?,
        _ earlier: BenchResult?
    ) throws {
        if let signal {
            Terminal.note("interrupted: nothing is told of a run that did not end")
            throw ExitCode(128 + signal)
        }
        let load: ClientLoad
        do {
            load = try outcome.get()
        } catch let error as BenchFailure {
            Terminal.note(error.description)
            throw ExitStatus.refused.code
        } catch let error as StreamClient.Unreachable {
            Terminal.note("no connection to \(context.options.server): \(error). Is a server running there?")
            throw ExitStatus.network.code
        }
        let result = BenchResult(mode, context, load)
        if options.json {
            try Terminal.write(try result.json())
        } else {
            try Terminal.write(Array(BenchTable.text(result).utf8))
        }
        if let earlier {
            let comparison = BenchComparison(earlier: earlier, now: result).text
            // Standard output is one object then.
            if options.json { Terminal.refusal(comparison) } else { try Terminal.write(Array(comparison.utf8)) }
        }
        guard result.errors.isEmpty else {
            Terminal.note("the run had errors: its figures are not those of a working server")
            throw ExitStatus.refused.code
        }
    }
}
