package import EventSource
import PrintableText
import TextCodecs

/// A whole response, and what a server of streams says in it.
@available(freshet 0.1, *)
package struct StreamResponse: Sendable {
    package var status: Int
    /// Of those with the same name, the first counts.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, fields: [(name: String, value: String)], body: [UInt8] = []) {
        self.status = status
        self.headers = fields
        self.body = body
    }

    package init(status: Int, headers: KeyValuePairs<String, String> = [:], body: [UInt8] = []) {
        self.init(status: status, fields: headers.map { (name: $0.key, value: $0.value) }, body: body)
    }

    /// The value of the first field with a name, which is given in lower case.
    package func header(_ lowercased: String) -> String? {
        headers.first { $0.name.lowercased() == lowercased }?.value
    }

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// Another attempt may be answered otherwise, without anything being changed.
    package var isPassing: Bool {
        switch status {
        case 408, 425, 429, 500, 502...504, 506...599: true
        default: false
        }
    }

    /// Where the stream stands. Whatever a server says of a stream that there is, it says this. Something else that
    /// answers 200 to everything does not.
    package var nextOffset: String? { header("stream-next-offset").flatMap { $0.isEmpty ? nil : $0 } }

    /// The stream has ended, according to this response.
    package var isClosed: Bool { header("stream-closed")?.lowercased() == "true" }

    /// How it ended, if this response says so.
    package var end: EventSource.End? {
        guard isClosed else { return nil }
        return EventSource.End(
            reason: header("stream-end-reason").map(EventSource.End.Reason.init(rawValue:)),
            detail: header("stream-end-detail")
        )
    }

    /// The number that a producer is to send next, if this response says that it left some out.
    package var expectedSequence: Int? {
        guard status == 409 else { return nil }
        return header("producer-expected-seq").flatMap { Int($0) }
    }

    /// The epoch that writes now, if this response says that the producer's is an older one.
    package var fencingEpoch: Int? {
        guard status == 403 else { return nil }
        return header("producer-epoch").flatMap { Int($0) }
    }

    /// `Retry-After` in seconds; a date is not read, since it would need both clocks to agree.
    package var retryAfter: Duration? {
        header("retry-after").flatMap { UInt16($0) }.map { .seconds(Int($0)) }
    }

    /// What the body is coded with, though nothing was asked for; nil for what is the same as none.
    package var coding: String? {
        guard let coding = header("content-encoding")?.lowercased(), !coding.isEmpty, coding != "identity" else {
            return nil
        }
        return PrintableText.escaped(coding)
    }

    /// What went wrong, as a Freshet server's problem documents name it.
    package var code: String? { Self.code(body) }

    /// What the server said was wrong, in one line.
    package var problem: String {
        if let coding { return "the server answered \(status), in the coding '\(coding)', which was not asked for" }
        if (300..<400).contains(status), let location = header("location") {
            return "the server answered \(status): it redirects to \(PrintableText.escaped(location)), which is not "
                + "followed; give that URL"
        }
        return Self.problem(status: status, body: body)
    }

    package static func code(_ body: [UInt8]) -> String? {
        let document = JSONSlice(body)
        let prefix = "urn:freshet:"
        guard document.isValue, let type = document["type"]?.string, type.hasPrefix(prefix) else { return nil }
        return String(type.dropFirst(prefix.count))
    }

    /// The title and the detail of a problem document (RFC 9457), or the beginning of what is not one.
    package static func problem(status: Int, body: [UInt8]) -> String {
        let document = JSONSlice(body)
        let parts = document.isValue ? ["title", "detail"].compactMap { document[$0]?.string } : []
        let said: String
        if let first = parts.first {
            // Two sentences, or a title and its explanation.
            said = parts.joined(separator: first.hasSuffix(".") ? " " : ": ")
        } else {
            said = String(decoding: body.prefix(200), as: UTF8.self)
        }
        // One line, also of a proxy's page.
        let words = said.split { $0.isWhitespace && $0.isASCII || $0 == "\r\n" }
        let line = PrintableText.escaped(words.joined(separator: " "))
        return line.isEmpty ? "the server answered \(status)" : "\(line) (\(status))"
    }
}
