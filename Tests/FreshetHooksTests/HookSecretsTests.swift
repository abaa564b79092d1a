import Testing

@testable import FreshetHooks

@Suite("The secrets of a hook")
struct HookSecretsTests {
    /// The example that Standard Webhooks publishes.
    private let example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    private func secrets(_ text: String) throws(HookTrouble) -> HookSecrets {
        try HookSecrets(parsing: Array(text.utf8), file: "secret")
    }

    private func signed(by text: String) throws -> String {
        try secrets(text).signatures(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body: Array(#"{"test": 2432232314}"#.utf8)
        )
    }

    @Test("sign as the standard's own example")
    func publishedExample() throws {
        #expect(try signed(by: example) == signature)
        #expect(try signed(by: "\n\(example)\r\n\n") == signature)
    }

    @Test("are taken as they are without whsec_")
    func plain() throws {
        // The bytes that the example has in base64 are no text; what is written here is another secret.
        let plain = try signed(by: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(plain.hasPrefix("v1,") && plain != signature)
    }

    @Test("are two while they change, the first first")
    func rotation() throws {
        let other = "whsec_" + String(repeating: "A", count: 32)
        let both = try signed(by: "\(other)\n\(example)\n")
        #expect(try both == "\(signed(by: other)) \(signature)")
    }

    @Test(
        "are refused without being shown",
        arguments: [
            ("", "0 secrets"), ("whsec_AAAA", "3 bytes"), ("short", "5 bytes"),
            ("whsec_!!!!9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64"),
            (Array(repeating: "a-secret-of-more-than-24-bytes", count: 3).joined(separator: "\n"), "3 secrets"),
        ]
    )
    func refused(text: String, reason: String) {
        let trouble = #expect(throws: HookTrouble.self) { try secrets(text) }
        #expect(trouble?.description.contains(reason) == true)
        if !text.isEmpty { #expect(trouble?.description.contains(text) == false) }
    }

    @Test("of a file that is missing are refused")
    func missing() {
        #expect(throws: HookTrouble.self) { try HookSecrets(file: "/nowhere/secret") }
    }
}
