import ArgumentParser
import PrintableText
import SQLiteStreamStore

/// `freshet check`: whether everything in a data directory is what was written.
@available(freshet 0.1, *)
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify everything in a data directory, and list what is damaged.",
        discussion: """
            Reads every event and compares it with its checksum. Changes nothing, and works while a server uses the directory.

            EXIT STATUS
              0  nothing is damaged
              1  something is damaged, or the directory cannot be read
             64  wrong usage
            """
    )

    @Argument(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var directory: String

    func run() throws {
        let report = try SQLiteStreamStore.check(directory: directory)
        for problem in report.problems { print("DAMAGED: \(PrintableText.escaped(problem))") }
        print(
            "\(report.streams) streams, \(report.events) events of \(report.bytes) bytes, \(report.chunks) chunks: "
                + (report.problems.isEmpty ? "all sound." : "\(report.problems.count) problems.")
        )
        guard report.problems.isEmpty else {
            print("Stop the server and restore a backup, as freshet.db in an empty directory.")
            throw ExitCode.failure
        }
    }
}
