import DurableStream
import EventSource
import NIOHTTP1
import PrintableText

/// A whole response.
@available(freshet 0.1, *)
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

    /// What went wrong, as a Freshet server's problem documents name it.
    var code: String? { StreamResponse.code(body) }

    /// What the server said was wrong, in one line.
    var problem: String {
        StreamResponse(status: status, fields: headers.map { (name: $0.name, value: $0.value) }, body: body).problem
    }

    /// The title and the detail of a problem document (RFC 9457), or the beginning of what is not one.
    static func problem(status: Int, body: [UInt8]) -> String {
        StreamResponse.problem(status: status, body: body)
    }
}
