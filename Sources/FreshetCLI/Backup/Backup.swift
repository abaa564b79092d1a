import ArgumentParser
import SQLiteStreamStore

/// `freshet backup`: a copy of a data directory, taken beside the server that uses it.
@available(freshet 0.1, *)
struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy a data directory into one file, even while a server uses it.",
        discussion: """
            The copy is consistent: it holds everything that was acknowledged at one moment. To use it, put it into an empty \
            directory as freshet.db, and serve that directory.

            EXAMPLES
              freshet backup ./freshet-data backup.db
              mkdir restored && cp backup.db restored/freshet.db && freshet serve --data restored

            EXIT STATUS
              0  copied
              1  nothing was copied, and standard error says why
             64  wrong usage
            """
    )

    @Argument(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var directory: String

    @Argument(help: ArgumentHelp("The file to create. It must not exist yet.", valueName: "file"))
    var file: String

    func run() throws {
        try SQLiteStreamStore.backUp(directory: directory, to: file)
        print("Copied \(directory) to \(file).")
    }
}
