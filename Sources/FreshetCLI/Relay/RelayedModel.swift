import CompletionRelay
import FreshetDemo
import FreshetServer
import NIOHTTP1
import StreamCore
import StreamHTTP

/// The chat's answers, by way of the relay: from the built-in model, or from the one named on the command line.
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
            body: body(asked)
        )
        switch await relay.start(call) {
        case .failure(let refusal): return .failure(problem(refusal.response))
        case .success(let stream):
            guard upstream.kind == .builtin else {
                return .success(DemoAnswer(stream: stream, model: model, title: model, source: upstream.name))
            }
            let answer = Answerer.builtIn.answer(to: asked.question)
            return .success(
                DemoAnswer(stream: stream, title: answer.title, source: answer.source, next: answer.next)
            )
        }
    }

    private func body(_ asked: DemoAsked) -> [UInt8] {
        var body = Array("{\"model\":".utf8)
        JSONWriter.appendString(model, to: &body)
        body.append(contentsOf: ",\"stream\":true,".utf8)
        if upstream.kind == .builtin {
            body.append(contentsOf: "\"words_per_second\":\(asked.wordsPerSecond),".utf8)
        }
        body.append(contentsOf: "\"messages\":[".utf8)
        for exchange in asked.earlier {
            append("user", exchange.question, to: &body)
            body.append(UInt8(ascii: ","))
            append("assistant", exchange.answer, to: &body)
            body.append(UInt8(ascii: ","))
        }
        append("user", asked.question, to: &body)
        body.append(contentsOf: "]}".utf8)
        return body
    }

    private func append(_ role: String, _ content: String, to body: inout [UInt8]) {
        body.append(contentsOf: "{\"role\":\"\(role)\",\"content\":".utf8)
        JSONWriter.appendString(content, to: &body)
        body.append(UInt8(ascii: "}"))
    }

    /// A refusal in the words of whoever refused, as the page shows them.
    private func problem(_ response: Response) -> Problem {
        let body = JSONSlice(response.body)
        let detail = body["detail"]?.string ?? body["error"]?["message"]?.string ?? body["error"]?.string
        return Problem(
            response.status >= 400 ? response.status : 502,
            "model-refused",
            title: "The model did not answer.",
            detail: detail ?? "\(upstream.name) answered \(response.status)."
        )
    }
}
