import ArgumentParser
import Testing

@testable import FreshetCLI

@Suite struct CommandNameTests {
    @Test(arguments: [
        ("apend", "append"), ("appned", "append"), ("tial", "tail"), ("Tail", "tail"), ("serv", "serve"),
        ("del", "delete"), ("canel", "cancel"), ("docter", "doctor"), ("proxyconfig", "proxy-config"), ("lis", "ls"),
        ("backups", "backup"), ("l", "ls"), ("inof", "info"), ("relya", "relay"),
    ])
    func `A mistyped command gets the nearest one`(word: String, meant: String) {
        for arguments in [[word, "x"], [word], ["help", word]] {
            #expect {
                try CommandName.check(arguments)
            } throws: {
                ($0 as? ValidationError)?.message.contains("'\(word)'. Did you mean 'freshet \(meant)'?") == true
            }
        }
    }

    @Test(arguments: ["nonsense", "", "x", "éé"])
    func `A word that is near none gets none`(word: String) {
        #expect {
            try CommandName.check([word])
        } throws: {
            ($0 as? ValidationError)?.message
                == "There is no command '\(word)'. 'freshet --help' lists the commands."
        }
    }

    @Test(arguments: [
        [], ["--help"], ["-h"], ["--version"], ["help"], ["help", "append"], ["help", "--version"],
        ["append", "apend"], ["---completion", "--", "x"], ["--generate-completion-script", "bash"], ["proxy-config"],
        ["ls"],
    ])
    func `What is no mistake is left to the commands`(arguments: [String]) {
        #expect(throws: Never.self) { try CommandName.check(arguments) }
    }
}
