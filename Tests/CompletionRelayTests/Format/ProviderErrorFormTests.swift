import StreamHTTP
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("A refusal in a provider's form")
struct ProviderErrorFormTests {
    private let problem = Problem(400, "bad-early", title: "Invalid Freshet-Early", detail: "Say \"5\".")

    @Test("is a problem with the members that OpenAI's clients read")
    func openai() throws {
        let body = JSONSlice(Response(problem).shaped(in: .openai).body)
        #expect(body["type"]?.string == "urn:freshet:bad-early")
        #expect(body["detail"]?.string == "Say \"5\".")
        #expect(body["error"]?["message"]?.string == "Say \"5\".")
        #expect(body["error"]?["type"]?.string == "invalid_request_error")
        #expect(body["error"]?["param"]?.isNull == true)
        #expect(body["error"]?["code"]?.string == "bad-early")
    }

    @Test("is an error of the type that Anthropic's clients read")
    func anthropic() throws {
        let response = Response(Problem(404, "no-upstream", title: "T", detail: "D")).shaped(in: .anthropic)
        let body = JSONSlice(response.body)
        #expect(body["type"]?.string == "error")
        #expect(body["status"]?.integer == 404)
        #expect(body["error"]?["type"]?.string == "not_found_error")
        #expect(body["error"]?["message"]?.string == "D")
        // Told once: what is shaped is no problem that anybody would tell anew.
        #expect(response.shaped(in: .openai) == response)
    }

    @Test(
        "says that a repetition comes to the same, where it does",
        arguments: [
            (400, true), (401, true), (404, true), (410, true), (413, true), (422, true), (501, true), (408, false),
            (409, false), (429, false), (500, false), (502, false), (503, false), (504, false), (507, false),
        ]
    )
    func retry(status: Int, isFinal: Bool) {
        let response = Response(Problem(status, "x", title: "T", detail: "D")).shaped(in: .openai)
        #expect(response.headers.contains(.noRetry) == isFinal)
    }

    @Test("is Anthropic's on its paths and for its clients, and OpenAI's elsewhere")
    func choice() {
        for (path, isAnthropic, form) in [
            ("/messages", false, ProviderErrorForm.anthropic), ("/messages/count_tokens", false, .anthropic),
            ("/models", true, .anthropic), ("/models", false, .openai), ("/messagesx", false, .openai),
        ] {
            #expect(ProviderErrorForm(path: path, isAnthropic: isAnthropic) == form)
        }
    }
}
