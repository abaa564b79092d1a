import CompletionRelay
import FreshetDemo
import FreshetRelay
import FreshetServer
import NIOHTTP1
import StreamCore
import StreamHTTP
import TextCodecs

/// The chat's answers, by way of the relay: from the built-in model, or from the one named on the command line.
@available(freshet 0.1, *)
struct RelayedModel: DemoModel {
    let relay: Relay
    let upstream: Upstream
    /// The model's name at its upstream.
    let model: String

    /// The built-in model looks up each question by itself.
    var remembers: Bool { upstream.kind != .builtin }

    func begin(_ asked: DemoAsked) async -> Result<DemoAnswer, Problem> {
        let call = StreamingCall(
            request: RelayRequest(
                method: "POST",
                path: WireFormat.chat.path,
                headers: ["Content-Type": "application/json"],
                baseURL: ""
            ),
            format: .chat,
            upstream: upstream,
            body: CallBody(body(asked)),
            model: model
        )
        switch await relay.start(call) {
        case .failure(let refusal): return .failure(problem(refusal.response))
        case .success(let stream):
            guard upstream.kind == .builtin else {
                return .success(DemoAnswer(stream: stream, model: model, title: model, source: upstream.authority))
            }
            let answer = Answerer.builtIn.answer(to: asked.question)
            return .success(
                DemoAnswer(stream: stream, title: answer.title, source: answer.source, next: answer.next)
            )
        }
    }

    private func body(_ asked: DemoAsked) -> [UInt8] {
        let earlier = asked.earlier.flatMap { [("user", $0.question), ("assistant", $0.answer)] }
        return JSONWriter.object { call in
            call.member("model", model)
            call.member("stream", true)
            if upstream.kind == .builtin { call.member("words_per_second", raw: "\(asked.wordsPerSecond)".utf8) }
            call.member(
                "messages",
                array: { messages in
                    for (role, content) in earlier + [("user", asked.question)] {
                        messages.element(object: {
                            $0.member("role", role)
                            $0.member("content", content)
                        })
                    }
                }
            )
        }
    }

    /// A refusal in the words of whoever refused, as the page shows them.
    private func problem(_ response: Response) -> Problem {
        let body = JSONSlice(response.body)
        let detail = body["detail"]?.string ?? body["error"]?["message"]?.string ?? body["error"]?.string
        return Problem(
            response.status >= 400 ? response.status : 502,
            "model-refused",
            title: "Model request failed",
            detail: detail ?? "\(upstream.name) answered \(response.status)."
        )
    }
}
