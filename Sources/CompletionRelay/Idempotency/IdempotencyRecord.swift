import Crypto
import StreamCore
import StreamHTTP
import TextCodecs

/// What is remembered of a call with an `Idempotency-Key`: a small stream of its own, under a name that no caller can
/// ask for, written before the upstream is called and kept for longer than the answer.
///
/// Its first event says which answer it was and what was asked; where the upstream refused before its first byte, two
/// more hold the refusal. Where it answered with something that is no stream, that follows in parts.
@available(freshet 0.1, *)
struct IdempotencyRecord: Sendable, Equatable {
    static let prefix = StreamName.reservedPrefix + "relay/key/"

    var answer: StreamName
    var format: WireFormat
    var bodyHash: String

    /// The record's name: neither the key nor the credential can be read from it.
    static func name(credential: String, route: String, key: String) -> StreamName {
        // Hexadecimal digits after a fixed prefix.
        try! StreamName(prefix + SeparatedHash.text(of: [credential, route, key]))
    }

    static func hash(of body: [UInt8]) -> String { Hexadecimal.text(SHA256.hash(data: body)) }

    var event: EventBody {
        let text = "{\"answer\":\"\(answer)\",\"format\":\"\(format.rawValue)\",\"body\":\"\(bodyHash)\"}"
        return EventBody(data: Array(text.utf8))
    }

    init(answer: StreamName, format: WireFormat, bodyHash: String) {
        self.answer = answer
        self.format = format
        self.bodyHash = bodyHash
    }

    init?(_ event: EventBody) {
        let record = JSONSlice(event.data)
        guard let name = record["answer"]?.string, let answer = try? StreamName(name),
            let format = record["format"]?.string.flatMap(WireFormat.init(rawValue:)),
            let hash = record["body"]?.string
        else { return nil }
        self.init(answer: answer, format: format, bodyHash: hash)
    }

    /// A refusal as events.
    static func events(of response: Response) -> EventBatch {
        [head(status: response.status, fields: response.headers), EventBody(data: response.body)]
    }

    /// What stands after the last part of a response that was passed on.
    static let whole = EventBody(type: "whole", data: Array("{}".utf8))

    /// The head of a response. The body of one that is passed on follows in parts.
    static func head(status: Int, fields: [HeaderField], isPassed: Bool = false) -> EventBody {
        var head = Array("{\"status\":\(status),\(isPassed ? "\"passed\":true," : "")\"fields\":[".utf8)
        for (index, field) in fields.enumerated() {
            if index > 0 { head.append(UInt8(ascii: ",")) }
            head.append(UInt8(ascii: "["))
            JSONWriter.appendString(field.name, to: &head)
            head.append(UInt8(ascii: ","))
            JSONWriter.appendString(field.value, to: &head)
            head.append(UInt8(ascii: "]"))
        }
        head.append(contentsOf: "]}".utf8)
        return EventBody(data: head)
    }

    static func response(from events: ArraySlice<EventBody>) -> Response? {
        guard events.count >= 2, let head = events.first.map({ JSONSlice($0.data) }),
            let status = head["status"]?.integer, 200...599 ~= status
        else { return nil }
        var parts = events.dropFirst()
        if head["passed"]?.isTrue ?? false {
            // One that was cut is none.
            guard parts.last == whole else { return nil }
            parts.removeLast()
        }
        let body = parts.flatMap(\.data)
        let fields = (head["fields"]?.elements ?? []).compactMap { pair -> HeaderField? in
            let sides = pair.elements.compactMap(\.string)
            return sides.count == 2 ? HeaderField(sides[0], sides[1]) : nil
        }
        return Response(status, headers: fields, body: body)
    }
}
