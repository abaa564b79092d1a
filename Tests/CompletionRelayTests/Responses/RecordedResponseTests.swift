import StreamCore
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("What has been told of a response")
struct RecordedResponseTests {
    private static let created =
        #"{"type":"response.created","response":{"id":"r","status":"in_progress","output":[],"error":null,"n":1.50}}"#
    private static func done(_ index: Int, _ id: String) -> String {
        #"{"type":"response.output_item.done","output_index":\#(index),"item":{"id":"\#(id)"}}"#
    }

    private func document(_ events: [String], _ end: StreamEnd? = nil) -> String? {
        var recorded = RecordedResponse()
        for event in events { recorded.received(EventBody(data: Array(event.utf8))) }
        return recorded.document(end: end).map { String(decoding: $0, as: UTF8.self) }
    }

    private func end(_ reason: EndReason, _ detail: String? = nil) -> StreamEnd {
        StreamEnd(reason: reason, detail: detail, offset: Offset(milliseconds: 1, counter: 0))
    }

    @Test("is the last object, with the items that are done in their order")
    func items() {
        #expect(document([]) == nil)
        #expect(document([#"{"type":"response.output_text.delta","delta":"x"}"#]) == nil)
        #expect(
            document([Self.created, Self.done(1, "b"), Self.done(0, "a"), Self.done(1, "c")])
                == #"{"id":"r","status":"in_progress","error":null,"n":1.50,"output":[{"id":"a"},{"id":"c"}]}"#
        )
        let completed =
            #"{"type":"response.completed","response":{"id":"r","status":"completed","output":[{"id":"own"}]}}"#
        #expect(
            document([Self.created, Self.done(0, "a"), completed], end(.done))
                == #"{"id":"r","status":"completed","output":[{"id":"own"}]}"#
        )
    }

    @Test("has the status that the answer ended with")
    func statuses() throws {
        func status(_ events: [String], _ end: StreamEnd?) throws -> (status: String?, error: String?) {
            let document = JSONSlice(Array(try #require(self.document(events, end)).utf8))
            return (document["status"]?.string, document["error"]?["message"]?.string)
        }
        func last(_ status: String) -> String {
            #"{"type":"response.\#(status)","response":{"id":"r","status":"\#(status)","error":null}}"#
        }
        let cancelled = try status([Self.created], end(.cancelled))
        #expect(cancelled.status == "cancelled" && cancelled.error == nil)
        let truncated = try status([Self.created], end(.failed, "truncated"))
        #expect(truncated.status == "failed" && truncated.error == RelayFailure.truncated.sentence)
        let told = try status([Self.created], end(.failed, "Overloaded"))
        #expect(told.status == "failed" && told.error == "Overloaded")
        let incomplete = try status([Self.created, last("incomplete")], end(.failed, "incomplete: x"))
        #expect(incomplete.status == "incomplete" && incomplete.error == nil)
        let failed = try status([Self.created, last("failed")], end(.failed, "it says not why"))
        #expect(failed.status == "failed" && failed.error == "it says not why")
    }
}
