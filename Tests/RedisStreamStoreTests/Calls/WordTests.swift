import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("The words of the functions")
struct WordTests {
    @Test("offsets go through their text, and no other text is one")
    func offsets() {
        let most = Offset(milliseconds: Offset.maximumMilliseconds, counter: Offset.maximumCounter)
        for offset in [Offset(milliseconds: 0, counter: 0), Offset(milliseconds: 1_800_000_000_123, counter: 42), most]
        {
            #expect(Offset(decimal: offset.decimal.utf8) == offset)
        }
        for text in [
            "", "-", "1", "1-", "-1", "1-2-3", "1-2 ", "+1-2", "a-1", "1-16777216", "281474976710656-0",
            "18446744073709551616-0", "1-99999999999999999999",
        ] { #expect(Offset(decimal: text.utf8) == nil, "\(text)") }
    }

    @Test("ends go through theirs, whatever their detail")
    func ends() {
        let offset = Offset(milliseconds: 5, counter: 6)
        for detail in [nil, "", " ", "why not", "a\nb", "é"] {
            let end = StreamEnd(reason: .failed, detail: detail, offset: offset)
            #expect(StreamEnd(wire: end.wire.utf8) == end)
        }
        for text in ["", "5-6", "5-6 ", "5-6 gone", "done", "5 done"] { #expect(StreamEnd(wire: text.utf8) == nil) }
    }

    @Test("keys of a stream are in one slot, whatever its name")
    func keys() {
        let keys = StreamKeys(prefix: "p:")
        let base = { String(decoding: keys.base(of: .known($0)), as: UTF8.self) }
        #expect(base("a/b") == "p:{a/b}")
        #expect(base("{a}%7D") == "p:{%7Ba%7D%257D}")
        #expect(base("é \u{1F600}") == "p:{é \u{1F600}}")
        #expect(String(decoding: keys.channel(of: .known("a")), as: UTF8.self) == "p:{a}:c")
    }

    @Test("a name is on the same shard on every node, and names are spread over all")
    func shards() {
        // FNV-1a of "a" and of "foobar", as its authors give them.
        #expect(StreamName.known("a").shardHash == 0xE40C_292C && StreamName.known("foobar").shardHash == 0xBF9C_F968)
        var counts = [Int](repeating: 0, count: 64)
        for number in 0..<6400 { counts[StreamName.known("chat/\(number)").indexShard] += 1 }
        #expect(counts.allSatisfy { (50...150).contains($0) })
    }

    @Test("options and where a fork came from go through their bytes, and others are none")
    func blobs() throws {
        let full = StreamOptions(
            contentType: try #require(ContentType("Text/Plain; charset=utf-8")),
            expiry: .at(wallMilliseconds: 1 << 47),
            leaseSeconds: 0,
            retention: Retention(seconds: 1, bytes: 0, events: 1 << 40),
            responseFields: [.init(name: "x-a", value: ""), .init(name: "x-é", value: "1")],
            owner: "app"
        )
        for options in [full, StreamOptions(), StreamOptions(expiry: .idle(seconds: 9), owner: "")] {
            let blob = options.blob
            #expect(try StreamOptions(blob: blob) == options)
            for count in 0..<blob.count {
                #expect(throws: ReplyDamage.self) { try StreamOptions(blob: Array(blob[..<count])) }
            }
            #expect(throws: ReplyDamage.self) { try StreamOptions(blob: blob + [0]) }
        }
        for point in [ReadPosition.start, .after(Offset(milliseconds: 1 << 47, counter: 9))] {
            let origin = ForkOrigin(source: .known("a/b"), point: point, beyond: 300)
            let blob = origin.blob(nonce: "5f")
            let read = try ForkOrigin.read(blob)
            #expect(read.origin == origin && read.nonce == "5f")
            for count in 0..<blob.count {
                #expect(throws: ReplyDamage.self) { try ForkOrigin.read(Array(blob[..<count])) }
            }
        }
    }
}
