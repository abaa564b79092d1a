import FreshetServer
import Testing

@Suite("Settings of tokens")
struct TokenSettingsTests {
    private func read(_ flags: [String: String] = [:], file: String? = nil) throws(ConfigurationError)
        -> ServerConfiguration
    {
        try ServerConfiguration(
            flags: flags.mapValues { .text($0) },
            environment: [:],
            file: file.map { ConfigurationFile(name: "freshet.yaml", text: $0) }
        )
    }

    private func problems(_ flags: [String: String] = [:], file: String? = nil) -> String {
        do throws(ConfigurationError) {
            _ = try read(flags, file: file)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private let one = ["jwt-issuer": "app", "jwt-audience": "freshet", "jwt-secret-file": "secret"]

    @Test("the flags are one issuer, and the list has more")
    func issuers() throws {
        #expect(try read().issuers.isEmpty)
        let found = try read(
            one.merging(["jwt-algorithms": "HS256,HS512", "jwt-template": "read=u/{sub}/,append=in/{sub}"]) { $1 },
            file: """
                jwt:
                  - issuer: https://login.example
                    audience: freshet
                    jwks: a file with blanks.json
                    algorithms: [RS256, ES256]
                    claim: https://app.example/streams
                  - issuer: other
                    audience: freshet
                    keys: keys.pem
                    template: read=u/{sub}/
                """
        ).issuers
        #expect(found.map(\.issuer) == ["app", "https://login.example", "other"])
        #expect(found[0].algorithms == [.hs256, .hs512] && found[0].templates.count == 2)
        #expect(found[1].jwks == "a file with blanks.json" && found[1].algorithms == [.rs256, .es256])
        #expect(found[1].claim == "https://app.example/streams" && found[0].claim == "freshet")
        #expect(found[2].templates.map(\.description) == ["read=u/{sub}/"])
        let words = try read(["jwt": "issuer=a audience=freshet jwks=k.json template=read=u/{sub}/"]).issuers
        #expect(words[0].issuer == "a" && words[0].templates.map(\.description) == ["read=u/{sub}/"])
    }

    @Test("what could let in the wrong ones, or nobody, is refused at the start")
    func contradictions() {
        #expect(problems(one).isEmpty)
        #expect(problems(["jwt-issuer": "app", "jwt-secret-file": "secret"]).contains("jwt-audience"))
        #expect(problems(["jwt-issuer": "app", "jwt-audience": "freshet"]).contains("nothing to check them with"))
        #expect(problems(["jwt-claim": "x"]).contains("nothing to check them with"))
        #expect(problems(one.merging(["open": "true"]) { $1 }).contains("open"))
        #expect(problems(one.merging(["probe": "true"]) { $1 }).contains("probe"))
        #expect(problems(one.merging(["jwt": "issuer=app audience=freshet keys=k"]) { $1 }).contains("two issuers"))
        #expect(problems(one.merging(["jwt-algorithms": "none"]) { $1 }).contains("none"))
        #expect(problems(one.merging(["jwt-leeway-seconds": "61"]) { $1 }).contains("60"))
        #expect(problems(one.merging(["jwt-template": "read=u/{sub}"]) { $1 }).isEmpty)
        #expect(problems(one.merging(["jwt-template": "read=u-{sub}"]) { $1 }).contains("whole segment"))
        #expect(problems(one.merging(["host": "0.0.0.0"]) { $1 }).isEmpty)
        #expect(problems(["jwt": "issuer=app audience=freshet"]).contains("no keys"))
        #expect(problems(["jwt": "issuer=app audience=freshet jkws=x"]).contains("jkws"))
        #expect(problems(file: "jwt:\n  - issuer: {a: b}\n").contains("jwt"))
        #expect(problems(file: "jwt:\n  - issuer: app\n    audience: [a, b]\n    keys: k\n").contains("audience"))
        #expect(problems(file: "keys:\n  - name: x\n").contains("mapping"))
        #expect(problems(file: "hosts:\n  - name: x\n").contains("list of texts"))
    }
}
