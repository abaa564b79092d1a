import Testing

@testable import FreshetDemo

@Suite("The built-in answerer")
struct DemoAnswererTests {
    private let answerer = Answerer.builtIn

    @Test("every question that a section names is answered from that section")
    func namedQuestions() {
        for document in answerer.documents {
            for question in document.questions {
                #expect(answerer.answer(to: question).title == document.title, "\(question)")
            }
        }
    }

    @Test(
        "questions in a visitor's own words find their section",
        arguments: [
            ("my nginx keeps buffering everything!!", "nginx"),
            ("Everything comes at once behind our corporate proxy, buffered", "Why an answer arrives in one lump"),
            ("do I lose the answer if I refresh the page", "Reload in the middle of an answer"),
            ("stopping an answer", "Stop is not the same as leaving"),
            ("how is xss avoided? can tokens contain html", "Showing words without running markup"),
            ("are you chatgpt or another model", "What answers your questions here"),
            ("websocket vs sse", "Why not WebSocket"),
            ("the server process crashed, does the reader see a spinner?", "Leases: when a producer dies"),
            ("LAST-EVENT-ID", "Last-Event-ID and offsets"),
            ("keep alive comments, heartbeats", "Heartbeats and idle timeouts"),
            ("caddy", "Apache, Caddy, Varnish, lighttpd and Envoy"),
            ("authenticate EventSource without Authorization header", "Signing in without headers"),
        ]
    )
    func ownWords(question: String, title: String) {
        #expect(answerer.answer(to: question).title == title)
    }

    @Test(
        "what the documentation does not know is said to be unknown, with questions that can be asked",
        arguments: ["How do I bake sourdough bread?", "", "???", "Wie wird das Wetter morgen?", "the of and"]
    )
    func unknown(question: String) {
        let answer = answerer.answer(to: question)
        #expect(answer.text.contains("found nothing"))
        #expect(answer.text.contains("no model"))
        #expect(!answer.next.isEmpty)
        for next in answer.next { #expect(!answerer.answer(to: next).text.contains("found nothing")) }
    }

    @Test("it says that it is built in and no model")
    func honesty() {
        let text = answerer.answer(to: "Who are you?").text
        #expect(text.contains("Not a model"))
        #expect(text.contains("built-in"))
    }

    @Test("joining the words gives the text exactly, and each word carries the white space before it")
    func words() {
        for document in answerer.documents {
            let words = Answer.words(of: document.text)
            #expect(words.joined() == document.text)
            #expect(words.allSatisfy { $0.contains { !$0.isWhitespace } })
        }
        #expect(Answer.words(of: "Hello,  World\n\nagain\n") == ["Hello,", "  World", "\n\nagain\n"])
        #expect(Answer.words(of: "") == [])
        #expect(Answer.words(of: " \n") == [" \n"])
    }

    @Test("each answer offers questions to go on with, of other sections")
    func next() {
        for document in answerer.documents {
            let answer = answerer.answer(to: document.questions[0])
            #expect(answer.next.count == 3)
            for question in answer.next { #expect(answerer.answer(to: question).title != document.title) }
        }
    }

    @Test("a chapter is cut into sections, and a heading inside code is code")
    func parsing() {
        let sections = Document.sections(
            ofChapter: """
                # Chapter

                ## One
                ? First?
                ? Second?

                Text.

                ```
                ## not a heading
                ? not a question
                ```

                ## Two

                More.
                """
        )
        #expect(
            sections == [
                Document(
                    title: "One",
                    source: "Chapter",
                    questions: ["First?", "Second?"],
                    text: "Text.\n\n```\n## not a heading\n? not a question\n```"
                ),
                Document(title: "Two", source: "Chapter", questions: [], text: "More."),
            ]
        )
    }

    @Test("every section is of a length that can be read while it is written")
    func lengths() {
        #expect(answerer.documents.count >= 30)
        for document in answerer.documents {
            let count = Answer.words(of: document.text).count
            #expect((60...250).contains(count), "\(document.title): \(count)")
        }
    }

    @Test(
        "stems join the forms of a word and keep different words apart",
        arguments: [
            ("proxies", "proxy"), ("buffering", "buffer"), ("buffers", "buffer"), ("stopped", "stop"),
            ("closing", "clos"), ("close", "clos"), ("status", "status"), ("process", "process"), ("lines", "lin"),
        ]
    )
    func stems(word: String, stem: String) {
        #expect(Terms.stem(word) == stem)
    }

    @Test("examples name the port that the server listens on")
    func port() {
        let answer = Answer(title: "", source: "", text: "curl http://localhost:4437/v1 44370", next: [])
        let port = OwnPort()
        #expect(port.named(in: answer) == answer)
        port.set(8080)
        #expect(port.named(in: answer).text == "curl http://localhost:8080/v1 44370")
    }
}
