import NIOCore
import Testing

@testable import StreamHTTP

@Suite("What a response over HTTP/2 has written and may not send yet")
struct HTTP2SendQueueTests {
    /// Everything that may be sent now, frame by frame.
    private func sent(_ queue: inout HTTP2SendQueue) -> [String] {
        var frames: [String] = []
        while let frame = queue.next(atMost: .max) { frames.append(String(buffer: frame)) }
        return frames
    }

    @Test("goes out in its order, as it was written")
    func order() {
        var queue = HTTP2SendQueue(window: 100)
        for part in ["one", "", "two"] { queue.append(ByteBuffer(string: part)) }
        let first = sent(&queue)
        #expect(first == ["one", "two"])
        #expect(queue.isEmpty)
        #expect(queue.window == 94)
    }

    @Test("is cut where the window ends, and goes on where it was cut")
    func window() {
        var queue = HTTP2SendQueue(window: 4)
        queue.append(ByteBuffer(string: "onetwo"))
        let first = sent(&queue)
        #expect(first == ["onet"])
        #expect(queue.waitsForWindow)
        queue.widen(by: 1)
        let second = sent(&queue)
        #expect(second == ["w"])
        queue.widen(by: 10)
        let third = sent(&queue)
        #expect(third == ["o"])
        #expect(!queue.waitsForWindow)
        #expect(queue.window == 9)
    }

    @Test("waits below a window of nothing until that is more than nothing")
    func takenBack() {
        var queue = HTTP2SendQueue(window: 10)
        queue.widen(by: -15)
        queue.append(ByteBuffer(string: "one"))
        let first = sent(&queue)
        #expect(first == [])
        queue.widen(by: 5)
        let second = sent(&queue)
        #expect(second == [])
        queue.widen(by: 1)
        let third = sent(&queue)
        #expect(third == ["o"])
    }

    @Test("a frame of a large part holds no more than itself")
    func copies() {
        var queue = HTTP2SendQueue(window: 1 << 20)
        let part = ByteBuffer(bytes: (0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        queue.append(part)
        var whole = ByteBuffer()
        while var frame = queue.next(atMost: .max) {
            #expect(frame.storageCapacity <= HTTP2SendQueue.frameSize)
            whole.writeBuffer(&frame)
        }
        #expect(whole == part)
    }

    @Test("a part that may be sent at once, whole and in one frame, does not wait, and takes of the window")
    func passing() {
        var queue = HTTP2SendQueue(window: 10)
        let part = ByteBuffer(string: "onetwo")
        let narrow = queue.passes(part, atMost: 5)
        #expect(!narrow)
        let first = queue.passes(part, atMost: 6)
        #expect(first)
        #expect(queue.isEmpty)
        #expect(queue.window == 4)
        let beyondWindow = queue.passes(part, atMost: .max)
        #expect(!beyondWindow)
        queue.append(ByteBuffer(string: "three"))
        let pastOthers = queue.passes(ByteBuffer(string: "4"), atMost: .max)
        #expect(!pastOthers)
        #expect(queue.window == 4)
        var wide = HTTP2SendQueue(window: 1 << 20)
        let aboveFrame = wide.passes(ByteBuffer(repeating: 1, count: HTTP2SendQueue.frameSize + 1), atMost: .max)
        #expect(!aboveFrame)
    }

    @Test("fits into frames, whatever the window")
    func frames() {
        var queue = HTTP2SendQueue(window: 1 << 20)
        queue.append(ByteBuffer(repeating: 1, count: 40_000))
        let first = sent(&queue)
        #expect(first.map(\.utf8.count) == [16_384, 16_384, 7232])
    }

    @Test("takes no more of the connection than there is")
    func connection() {
        var queue = HTTP2SendQueue(window: 100)
        queue.append(ByteBuffer(string: "onetwo"))
        let none = queue.next(atMost: 0)
        #expect(none == nil)
        #expect(!queue.waitsForWindow)
        let some = queue.next(atMost: 4)
        #expect(some.map { String(buffer: $0) } == "onet")
        queue.drop()
        #expect(queue.isEmpty)
    }
}
