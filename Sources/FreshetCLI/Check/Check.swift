import ArgumentParser
import PrintableText
import SQLiteStreamStore

/// `freshet check`: whether everything in a data directory is what was written.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify everything in a data directory, and list what is damaged.",
        discussion: """
            Every event is read and held against its checksum. Nothing is changed, and a server may be using the \
            directory meanwhile.

            EXIT STATUS
              0  everything is what was written
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
