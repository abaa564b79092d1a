import ArgumentParser
import FreshetServer

/// The first word of the command line, which names a command.
@available(freshet 0.1, *)
enum CommandName {
    /// What others call them.
    private static let synonyms = [
        "list": "ls", "rm": "delete", "remove": "delete", "cat": "tail", "read": "tail", "write": "append",
        "stop": "cancel", "start": "serve", "run": "serve", "show": "info", "status": "info",
    ]

    /// - Throws: A usage error with the nearest command there is, for a word that names none.
    static func check(_ arguments: [String]) throws(ValidationError) {
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        let known = Freshet.configuration.subcommands.map {
            $0.configuration.commandName ?? String(describing: $0).lowercased()
        }
        guard let word = words.first, !word.utf8.starts(with: "-".utf8), word != "help", !known.contains(word) else {
            return
        }
        let nearest = synonyms[word.lowercased()] ?? NearestName.of(word, among: known)
        throw ValidationError(
            "There is no command '\(word)'." + (nearest.map { " Did you mean 'freshet \($0)'?" } ?? "")
                + " 'freshet --help' lists the commands."
        )
    }
}
