import ArgumentParser
import Testing

@testable import FreshetCLI

@Suite struct HealthTests {
    @Test(
        arguments: [
            (nil, [:], "http://127.0.0.1:4437"),
            (nil, ["FRESHET_PORT": "8080"], "http://127.0.0.1:8080"),
            (nil, ["FRESHET_PORT": "8080", "FRESHET_URL": "http://freshet:1/"], "http://freshet:1"),
            (nil, ["FRESHET_PORT": "", "FRESHET_URL": ""], "http://127.0.0.1:4437"),
            (nil, ["FRESHET_TLS_CERTIFICATE": "chain.pem"], "https://127.0.0.1:4437"),
            (nil, ["FRESHET_TLS_CERTIFICATE": "chain.pem", "FRESHET_PORT": "8443"], "https://127.0.0.1:8443"),
            (nil, ["FRESHET_TLS_CERTIFICATE": "chain.pem", "FRESHET_CLEAR_TEXT_PORT": "81"], "http://127.0.0.1:81"),
            ("https://app.example/", ["FRESHET_URL": "http://freshet:1"], "https://app.example"),
        ] as [(String?, [String: String], String)]
    )
    func theServerIsTheOneThatIsNamedOrTheOneOnThisMachine(
        url: String?,
        environment: [String: String],
        server: String
    ) throws {
        #expect(try Health.server(url, environment: environment) == server)
    }

    @Test(
        arguments: [
            ("127.0.0.1:4437", [:]), (nil, ["FRESHET_PORT": "0"]), (nil, ["FRESHET_PORT": "http"]),
            (nil, ["FRESHET_URL": "freshet"]),
            (nil, ["FRESHET_TLS_CERTIFICATE": "chain.pem", "FRESHET_CLEAR_TEXT_PORT": "0"]),
        ] as [(String?, [String: String])]
    )
    func whatIsNoAddressIsWrongUsage(url: String?, environment: [String: String]) {
        #expect(throws: ValidationError.self) { try Health.server(url, environment: environment) }
    }

    @Test func theVersionHasTheCommitOfAReleaseBuild() {
        #expect(ProgramVersion.text(number: "1.2.3", release: "v1.2.3, 2aa2dfe1b2c3") == "1.2.3 (v1.2.3, 2aa2dfe1b2c3)")
        #expect(ProgramVersion.text(number: "1.2.3", release: "") == "1.2.3 (development build)")
    }
}
