import NIOCore
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("The bytes of what was just committed")
struct TailBatchTests {
    private let first = CommittedItem(
        previous: Offset(1),
        events: [StreamEvent(2, "a"), StreamEvent(3, "b")],
        end: nil
    )
    private let second = CommittedItem(previous: Offset(3), events: [StreamEvent(4, "c")], end: nil)
    private let end = CommittedItem(
        previous: Offset(4),
        events: [],
        end: StreamEnd(reason: .done, detail: nil, offset: Offset(5))
    )

    @Test("the boundaries are the offsets before each item and after the last")
    func boundaries() {
        #expect(TailBatch([first, second, end]).boundaries == [Offset(1), Offset(3), Offset(4), Offset(4)])
        #expect(TailBatch([first, second, end]).hasEnd)
        #expect(!TailBatch([first, second]).hasEnd)
    }

    @Test("each item is one chunk; only the first block of the first carries the retry")
    func bytes() {
        let batch = TailBatch([first, second, end])
        let retry = text(batch.buffer(from: 0, shape(retry: 2000)))
        #expect(
            retry
                == chunk(
                    "retry: 2000\nid: \(Offset(2))\ndata: a\n\nid: \(Offset(3))\ndata: b\n\n"
                )
                + chunk("id: \(Offset(4))\ndata: c\n\n")
                + chunk("event: end\nid: \(Offset(5))\ndata: {\"reason\":\"done\"}\n\n")
        )
        #expect(text(batch.buffer(from: 1, shape())).hasPrefix(chunk("id: \(Offset(4))\ndata: c\n\n")))
        #expect(text(batch.buffer(from: 2, shape(retry: 2000))).contains("event: end\nretry: 2000\n"))
    }

    @Test("readers that want the same share one buffer, and others have their own")
    func sharing() {
        let batch = TailBatch([first, second])
        let once = batch.buffer(from: 0, shape())
        let again = batch.buffer(from: 0, shape())
        let address = { (buffer: ByteBuffer) in buffer.withUnsafeReadableBytes { $0.baseAddress } }
        #expect(address(once) == address(again))
        #expect(text(batch.buffer(from: 0, shape(form: .ndjson))) != text(once))
        #expect(!text(batch.buffer(from: 0, shape(framing: .plain))).contains("\r\n"))
    }

    private func shape(form: EventForm = .sse, framing: BodyFraming = .chunked, retry: Int? = nil) -> TailBatch.Shape {
        TailBatch.Shape(writer: EventWriter(form: form, kind: .eventStream), framing: framing, retry: retry)
    }

    private func text(_ buffer: ByteBuffer) -> String { String(buffer: buffer) }

    private func chunk(_ body: String) -> String { "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n" }
}
