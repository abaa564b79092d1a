import ArgumentParser
import Foundation
import FreshetServer

/// What every client command takes: who is asking.
@available(freshet 0.1, *)
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file with the bearer key.",
            discussion:
                "Without it, the environment variable FRESHET_KEY is used if it is set. A key never goes into a URL.",
            valueName: "file"
        )
    )
    var key: String?

    @OptionGroup var trust: TrustOptions

    /// The key to send, if there is one.
    func bearerKey(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String? {
        let text: String
        if let key {
            guard let data = FileManager.default.contents(atPath: key) else {
                throw ValidationError("The key file '\(key)' cannot be read.")
            }
            text = String(decoding: data, as: UTF8.self)
            if let warning = SecretFile.warning(key, what: "The key file") { Terminal.note(warning) }
        } else if let value = environment["FRESHET_KEY"], !value.isEmpty {
            text = value
        } else {
            return nil
        }
        let bearer = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !bearer.isEmpty, bearer.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            let source = key.map { "The key file '\($0)'" } ?? "FRESHET_KEY"
            throw ValidationError("\(source) must hold one key of printable ASCII characters and nothing else.")
        }
        return bearer
    }

    /// A client that sends that key.
    func client() throws -> StreamClient {
        StreamClient(key: try bearerKey(), trusting: try trust.authorities())
    }
}
