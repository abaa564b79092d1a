package import StreamCore
import TextCodecs

/// Events as lines, each a JSON object: `{"id":"…","event":"…","data":…}`.
@available(freshet 0.1, *)
package enum NDJSON {
    /// Appends one event. Its data is the JSON value that it holds, or a string: in base64 where it is no text.
    package static func append(_ event: StreamEvent, _ kind: ContentType.Kind, to output: inout [UInt8]) {
        open(id: event.offset, event: event.body.type, to: &output)
        switch kind {
        case .json, .ndjson: output.append(contentsOf: JSONText.singleLine(event.body.data))
        case .binary:
            output.append(UInt8(ascii: "\""))
            output.append(contentsOf: Base64.encode(event.body.data))
            output.append(contentsOf: "\",\"base64\":true".utf8)
        case .text, .eventStream:
            event.body.bytes.withUnsafeBufferPointer { JSONWriter.appendString($0, to: &output) }
        }
        output.append(contentsOf: "}\n".utf8)
    }

    /// Appends an event whose data is JSON on one line.
    static func append(id: Offset?, event: String, data: [UInt8], to output: inout [UInt8]) {
        open(id: id, event: event, to: &output)
        output.append(contentsOf: data)
        output.append(contentsOf: "}\n".utf8)
    }

    private static func open(id: Offset?, event: String?, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        if let id { output.append(contentsOf: "\"id\":\"\(id.text)\"".utf8) }
        if let event {
            if id != nil { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: "\"event\":".utf8)
            JSONWriter.appendString(event, to: &output)
        }
        output.append(contentsOf: ",\"data\":".utf8)
    }
}
