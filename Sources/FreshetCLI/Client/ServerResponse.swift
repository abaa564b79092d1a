import EventSource
import Foundation
import NIOHTTP1
import PrintableText

/// A whole response.
struct ServerResponse: Sendable {
    var status: Int
    var headers: HTTPHeaders = [:]
    var body: [UInt8] = []

    /// Whatever a Freshet server says of a stream that there is, it says where the stream stands. Something else that
    /// answers 200 to everything does not.
    var isFreshets: Bool { headers.first(name: "Stream-Next-Offset") != nil }

    /// What the body is coded with, though nothing was asked for; nil for what is the same as none.
    var coding: String? {
        guard let coding = headers.first(name: "Content-Encoding")?.lowercased(), !coding.isEmpty,
            coding != "identity"
        else { return nil }
        return PrintableText.escaped(coding)
    }

    /// The stream has ended, according to this response.
    var isClosed: Bool { headers.first(name: "Stream-Closed")?.lowercased() == "true" }

    /// How it ended, if this response says so.
    var end: EventSource.End? {
        guard isClosed else { return nil }
        return EventSource.End(
            reason: headers.first(name: "Stream-End-Reason").map(EventSource.End.Reason.init(rawValue:)),
            detail: headers.first(name: "Stream-End-Detail")
        )
    }

    /// The number that a producer is to send next, if this response says that it left some out.
    var expectedSequence: Int? {
        guard status == 409 else { return nil }
        return headers.first(name: "Producer-Expected-Seq").flatMap { Int($0) }
    }

    /// `Retry-After` in seconds.
    var retryAfter: Duration? {
        headers.first(name: "Retry-After").flatMap { UInt16($0) }.map { .seconds(Int($0)) }
    }

    /// What went wrong, as a Freshet server's problem documents name it.
    var code: String? {
        struct Problem: Decodable { var type: String? }
        let type = (try? JSONDecoder().decode(Problem.self, from: Data(body)))?.type
        guard let type, type.hasPrefix("urn:freshet:") else { return nil }
        return String(type.dropFirst("urn:freshet:".count))
    }

    /// What the server said was wrong, in one line.
    var problem: String {
        if let coding { return "the server answered \(status), in the coding '\(coding)', which was not asked for" }
        if (300..<400).contains(status), let location = headers.first(name: "Location") {
            return "the server answered \(status): it redirects to \(location), which is not followed; give that URL"
        }
        return Self.problem(status: status, body: body)
    }

    /// The title and the detail of a problem document (RFC 9457), or the beginning of what is not one.
    static func problem(status: Int, body: [UInt8]) -> String {
        struct Problem: Decodable { var title, detail: String? }
        let said: String
        if let problem = try? JSONDecoder().decode(Problem.self, from: Data(body)),
            problem.title != nil || problem.detail != nil
        {
            // Two sentences, or a title and its explanation.
            let separator = problem.title?.hasSuffix(".") == true ? " " : ": "
            said = [problem.title, problem.detail].compactMap { $0 }.joined(separator: separator)
        } else {
            said = String(decoding: body.prefix(200), as: UTF8.self)
        }
        // One line, also of a proxy's page.
        let words = said.split { $0.isWhitespace && $0.isASCII || $0 == "\r\n" }
        let line = PrintableText.escaped(words.joined(separator: " "))
        return line.isEmpty ? "the server answered \(status)" : "\(line) (\(status))"
    }
}
