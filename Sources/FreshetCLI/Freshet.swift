import ArgumentParser
import Foundation
import FreshetServer

/// The command line: the server and its demonstration, and the clients of any Freshet server.
@available(freshet 0.1, *)
@main
struct Freshet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet",
        abstract: "Streams that survive: appended over HTTP, read from any position, ended with a reason.",
        discussion: """
            A stream is a URL backed by a log. Producers append to it. Readers follow it from the start, from the last \
            event they saw, or from now, and always learn how it ended.

              some-program | freshet append answer     standard input becomes a stream
              freshet tail answer                      follow it, over any number of connections
              freshet cancel answer                    ask its producer to stop
              freshet delete answer                    delete it, so that its name is free again
            """,
        version: ProgramVersion.text,
        subcommands: [
            Serve.self,
            RelayCommand.self,
            Demo.self,
            Append.self,
            Tail.self,
            Cancel.self,
            Delete.self,
            List.self,
            Info.self,
            Health.self,
            Doctor.self,
            Bench.self,
            Backup.self,
            Check.self,
            Copy.self,
            ProxyConfig.self,
            TokenCommand.self,
            HooksCommand.self,
        ]
    )

    static func main() async {
        do {
            try CommandName.check(Array(CommandLine.arguments.dropFirst()))
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            leave(because: error)
        }
    }

    /// As the library of commands does it, except that it shows arguments as they are.
    private static func leave(because error: any Error) -> Never {
        let code = exitCode(for: error)
        guard !code.isSuccess else { exit(withError: error) }
        let message = fullMessage(for: error)
        if !message.isEmpty { Terminal.refusal(message) }
        Foundation.exit(code.rawValue)
    }
}
