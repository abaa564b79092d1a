import Testing

@testable import FreshetServer

@Suite struct HookSettingTests {
    private func read(_ flags: [String: String], file: String = "") throws -> ServerConfiguration {
        try ServerConfiguration(
            flags: flags.mapValues { .text($0) },
            environment: [:],
            file: ConfigurationFile(name: "freshet.yaml", text: file)
        )
    }

    private func problems(_ flags: [String: String] = [:], file: String = "") -> String {
        do {
            _ = try read(flags, file: file)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private let one = ["hook": "http://app/told?key=secret", "hook-secret-file": "secret"]

    @Test func flagsMakeOneHookBesideThoseOfTheList() throws {
        let list = """
            hooks:
              - name: audit
                url: https://audit.example/
                secret-file: other
                prefix: [chat/, mail/*]
            """
        let hooks = try read(one.merging(["hook-prefix": "chat/"]) { $1 }, file: list).toldHooks
        #expect(hooks.map(\.name) == ["http://app/told", "audit"])
        #expect(hooks.map(\.url) == ["http://app/told?key=secret", "https://audit.example/"])
        #expect(hooks.map(\.secretFile) == ["secret", "other"])
        #expect(hooks.map { $0.prefixes.map(\.text) } == [["chat/"], ["chat/", "mail/"]])
        #expect(try read(one).toldHooks.first?.prefixes == [.everything])
    }

    @Test func aHookIsTheSameInWords() throws {
        let hook = try HookSetting(parsing: "url=http://app/told secret-file=secret prefix=a/ prefix=b/ name=app")
        #expect(try HookSetting(parsing: hook.description) == hook)
        let plain = try HookSetting(parsing: "url=http://app/told secret-file=secret")
        #expect(plain.description == "url=http://app/told secret-file=secret")
    }

    @Test func whatCannotWorkIsRefused() {
        #expect(problems(["hook": "http://app/"]).contains("hook-secret-file"))
        #expect(problems(["hook-secret-file": "secret"]).contains("hook: there is a secret"))
        #expect(problems(["hook-prefix": "chat/"]).contains("hook: there is a prefix"))
        for url in ["app/told", "ftp://app/", "http:///told", "http://user@app/", "http://app/#part", "http://app/a b"]
        {
            #expect(
                problems(["hook": url, "hook-secret-file": "secret"]).contains("not an address to call")
                    || problems(["hook": url, "hook-secret-file": "secret"]).contains("without a user and #"),
                "\(url)"
            )
        }
        #expect(problems(["hooks": "secret-file=secret"]).contains("no url"))
        #expect(problems(["hooks": "url=http://app/"]).contains("no secret-file"))
        #expect(problems(["hooks": "url=http://app/ secret-file=s colour=red"]).contains("colour"))
        #expect(problems(one.merging(["hooks": "url=http://app/told secret-file=s"]) { $1 }).contains("two are named"))
        #expect(problems(one.merging(["hooks": "url=http://app/other secret-file=s"]) { $1 }).isEmpty)
    }
}
