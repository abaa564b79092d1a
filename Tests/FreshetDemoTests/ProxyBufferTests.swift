import NIOCore
import StreamHTTP
import Testing

@testable import FreshetDemo

@Suite("The demo's buffering proxy")
struct ProxyBufferTests {
    private let hint = [HeaderField("Content-Type", "text/plain"), HeaderField("X-Accel-Buffering", "no")]

    private func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    @Test("holding nothing, it passes everything on as it comes, and tears what is torn")
    func live() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .nothing))
        #expect(buffer.head(200, hint, length: nil) == [.head(200, hint, length: nil)])
        #expect(buffer.received(bytes("a")) == [.bytes(bytes("a"))])
        #expect(buffer.ended(isComplete: false) == [.cut])
        #expect(buffer.received(bytes("b")) == [])
    }

    @Test("holding the whole answer, it says nothing before the end, and then also the length")
    func whole() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .whole))
        #expect(buffer.head(200, hint, length: nil) == [])
        #expect(buffer.received(bytes("abc")) == [])
        #expect(buffer.periodEnded() == [])
        #expect(buffer.received(bytes("de")) == [])
        #expect(buffer.ended(isComplete: true) == [.head(200, hint, length: 5), .bytes(bytes("abcde")), .finish])
    }

    @Test("an answer without a body is passed on too", arguments: ["live", "whole", "16k", "1s"])
    func empty(policy: String) throws {
        var buffer = ProxyBuffer(try #require(ProxyPolicy(policy)))
        let actions = buffer.head(204, [], length: 0) + buffer.ended(isComplete: true)
        #expect(actions == [.head(204, [], length: 0), .finish])
    }

    @Test("holding some bytes, it lets go when there are as many, with the head when it is the first time")
    func some() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .bytes(4)))
        #expect(buffer.head(200, [], length: nil) == [])
        #expect(buffer.received(bytes("abc")) == [])
        #expect(buffer.received(bytes("de")) == [.head(200, [], length: nil), .bytes(bytes("abcde"))])
        #expect(buffer.received(bytes("f")) == [])
        #expect(buffer.ended(isComplete: true) == [.bytes(bytes("f")), .finish])
    }

    @Test("holding for a while, it lets go when the while is over, and has nothing to say when nothing came")
    func period() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .period(.seconds(1))))
        #expect(buffer.head(200, [], length: nil) == [])
        #expect(buffer.periodEnded() == [])
        #expect(buffer.received(bytes("a")) + buffer.received(bytes("b")) == [])
        #expect(buffer.periodEnded() == [.head(200, [], length: nil), .bytes(bytes("ab"))])
        #expect(buffer.periodEnded() == [])
        #expect(buffer.received(bytes("c")) == [])
        #expect(buffer.ended(isComplete: true) == [.bytes(bytes("c")), .finish])
    }

    @Test("one that heeds the header passes such an answer on at once, and keeps the header, as nginx does")
    func heeded() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .whole, obeysHint: true))
        #expect(buffer.head(200, hint, length: nil) == [.head(200, [hint[0]], length: nil)])
        #expect(buffer.received(bytes("a")) == [.bytes(bytes("a"))])
        var without = ProxyBuffer(ProxyPolicy(holding: .whole, obeysHint: true))
        #expect(without.head(200, [hint[0]], length: nil) == [])
        var yes = ProxyBuffer(ProxyPolicy(holding: .whole, obeysHint: true))
        #expect(yes.head(200, [HeaderField("x-accel-buffering", "yes")], length: nil) == [])
    }

    @Test("an answer that is torn before anything was passed on is a bad gateway, not half an answer")
    func torn() {
        var whole = ProxyBuffer(ProxyPolicy(holding: .whole))
        #expect(whole.head(200, [], length: nil) + whole.received(bytes("abc")) == [])
        #expect(whole.ended(isComplete: false) == [.fail(502)])
        var never = ProxyBuffer(ProxyPolicy(holding: .nothing))
        #expect(never.ended(isComplete: false) == [.fail(502)])
        #expect(never.ended(isComplete: false) == [])
    }

    @Test("it holds no more than it may")
    func bound() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .whole))
        #expect(buffer.head(200, [], length: nil) == [])
        let piece = ByteBuffer(repeating: 0, count: ProxyBuffer.mostHeld / 2)
        #expect(buffer.received(piece) + buffer.received(piece) == [])
        #expect(buffer.received(bytes("a")) == [.fail(502)])
        #expect(buffer.received(piece) + buffer.ended(isComplete: true) == [])
    }

    @Test("one that cuts after some bytes passes on what came before, and nothing after")
    func cut() {
        var buffer = ProxyBuffer(ProxyPolicy(holding: .nothing, cut: .bytes(4)))
        #expect(buffer.head(200, [], length: nil) == [.head(200, [], length: nil)])
        #expect(buffer.received(bytes("abc")) == [.bytes(bytes("abc"))])
        #expect(buffer.received(bytes("def")) == [.bytes(bytes("d")), .cut])
        #expect(buffer.received(bytes("g")) + buffer.ended(isComplete: true) == [])
        var holding = ProxyBuffer(ProxyPolicy(holding: .whole, cut: .bytes(2)))
        #expect(holding.head(200, [], length: nil) + holding.received(bytes("abc")) == [.cut])
    }

    @Test("a policy is a segment of the path")
    func policies() {
        #expect(ProxyPolicy("live") == ProxyPolicy(holding: .nothing))
        #expect(ProxyPolicy("16k,obeys") == ProxyPolicy(holding: .bytes(16_384), obeysHint: true))
        #expect(ProxyPolicy("1s,cut-250") == ProxyPolicy(holding: .period(.seconds(1)), cut: .time(.milliseconds(250))))
        #expect(
            ProxyPolicy("whole,obeys,cut-0")
                == ProxyPolicy(holding: .whole, obeysHint: true, cut: .time(.milliseconds(0)))
        )
        #expect(ProxyPolicy("live,cut-70000b") == ProxyPolicy(holding: .nothing, cut: .bytes(70_000)))
        for text in [
            "", "half", "whole,", "whole,cut-", "whole,cut-b", "whole,cut--1", "whole,cut-99999",
            "whole,cut-999999999b", "whole,cut-1,obeys",
        ] {
            #expect(ProxyPolicy(text) == nil, "\(text)")
        }
    }

    @Test("only the demonstration's own answers can be asked for")
    func targets() {
        let route = DemoProxy.Route("/demo/proxy/whole/v1/stream/demo/race/ab?as=sse")
        #expect(route?.target == "/v1/stream/demo/race/ab?as=sse")
        for target in [
            "/health", "/v1/stream/other", "/demo/races/../../v1/streams", "/demo/proxy/live/demo/races/a/json", "/",
            "", "http://elsewhere/demo/races/a",
        ] {
            #expect(DemoProxy.Route("/demo/proxy/whole\(target)") == nil, "\(target)")
        }
    }
}
