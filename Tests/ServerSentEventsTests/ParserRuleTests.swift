import ServerSentEvents
import Testing

@Suite("Parser: the standard's rules")
struct ParserRuleTests {
    private func event(_ data: String, type: String = "message", id: String = "") -> EventStreamParser.Output {
        .event(ServerSentEvent(type: type, data: data, lastEventID: id))
    }

    @Test("LF, CR and CRLF all end lines, mixed as one likes, over every chunking")
    func lineEnds() throws {
        let text = "data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\rdata: e\n\ndata: f\r\n\r\ndata: g\n\r: x\r\n"
        for chunks in Chunking.all(of: Array(text.utf8)) {
            let parsed = try Parsed(chunks)
            #expect(parsed.events.map(\.data) == ["a\nb\nc", "d", "e", "f", "g"])
            #expect(parsed.comments == [" x"])
        }
    }

    @Test("A CR at the end of a read ends its line at once, and an LF after it adds no line")
    func carriageReturnEndsARead() throws {
        var parser = EventStreamParser()
        #expect(try parser.parse(Array("data: a\r\n\r".utf8)) == [event("a")])
        #expect(!parser.hasUnfinishedBlock)
        #expect(try parser.parse([]) == [])
        #expect(try parser.parse(Array("\ndata: b".utf8)) == [])
        #expect(parser.hasUnfinishedBlock)
        #expect(try parser.parse(Array("\r".utf8)) == [])
        #expect(try parser.parse(Array("\r".utf8)) == [event("b")])
    }

    @Test("An ID is committed by the blank line, even of a block without data")
    func idsAreCommittedByTheBlankLine() throws {
        var parser = EventStreamParser(lastEventID: "0")
        _ = try parser.parse(Array("id: 1\n".utf8))
        #expect(parser.lastEventID == "0")
        #expect(try parser.parse(Array("\n".utf8)) == [])
        #expect(parser.lastEventID == "1")
        _ = try parser.parse(Array("id: 2\ndata: lost\n".utf8))
        parser.finish()
        #expect(parser.lastEventID == "1")
        #expect(try parser.parse(Array("data: next\n\n".utf8)) == [event("next", id: "1")])
    }

    @Test("A type without data is forgotten with its block")
    func typeWithoutData() throws {
        #expect(try Parsed("event: a\n\ndata: b\n\n").outputs == [event("b")])
    }

    @Test("A retry takes effect as soon as its line ends, though its block never does")
    func retryTakesEffectAtOnce() throws {
        var parser = EventStreamParser()
        #expect(try parser.parse(Array("retry: 2\n".utf8)) == [.retry(milliseconds: 2)])
        #expect(try Parsed("retry: 2").outputs == [])
    }

    @Test(
        "A retry is ASCII digits only and fits an integer, or it is ignored",
        arguments: ["+5", "-5", " 5", "5 ", "5\u{301}", "٥", "5.0", "0x5", "", "9223372036854775808", "1e3"]
    )
    func bogusRetry(_ value: String) throws {
        #expect(try Parsed("retry: \(value)\n\n").outputs == [])
    }

    @Test("A retry may be zero, have leading zeros, and be as great as an integer")
    func goodRetry() throws {
        #expect(try Parsed("retry:0\nretry: 007\nretry: \(Int.max)\n").retries == [0, 7, Int.max])
    }

    @Test("A combining mark after a colon, a space or a name does not hide it")
    func combiningMarks() throws {
        let parsed = try Parsed(":\u{301}c\ndata:\u{301}x\ndata: \u{301}y\ndata\u{301}: z\nevent:\u{200D}t\n\n")
        #expect(parsed.outputs == [.comment("\u{301}c"), event("\u{301}x\n\u{301}y", type: "\u{200D}t")])
        // String comparison is by canonical equivalence; the bytes must be these.
        #expect(parsed.events.first.map { Array($0.data.utf8) } == Array("\u{301}x\n\u{301}y".utf8))
    }

    @Test("Only LF and CR end lines, not what Unicode also calls a line end")
    func otherLineEnds() throws {
        let data = "a\u{85}b\u{2028}c\u{2029}d\u{0B}e\u{0C}f\u{1C}g"
        #expect(try Parsed("data: \(data)\n\n").outputs == [event(data)])
    }

    @Test("A byte order mark is taken off once, at the start, by bytes; a value keeps its own")
    func byteOrderMark() throws {
        let mark = "\u{FEFF}"
        for chunks in Chunking.all(of: Array("\(mark)data: \(mark)a\n\(mark)data: b\n\n".utf8)) {
            let data = try Parsed(chunks).events.map { Array($0.data.utf8) }
            #expect(data == [Array("\(mark)a".utf8)])
        }
    }

    @Test("The start of a byte order mark that never ends is part of the first line")
    func tornByteOrderMark() throws {
        for start: [UInt8] in [[0xEF], [0xEF, 0xBB]] {
            for chunks in Chunking.all(of: start + Array("data: a\ndata: b\n\n".utf8)) {
                #expect(try Parsed(chunks).outputs == [event("b")])
            }
            for chunks in Chunking.all(of: start) {
                let parsed = try Parsed(chunks, keepingUnfinishedBlock: true)
                #expect(parsed.hadUnfinishedBlock)
                #expect(parsed.outputs == [])
            }
        }
    }

    @Test(
        "Bytes that are not UTF-8 become U+FFFD, one for each maximal subpart, over every chunking",
        arguments: [
            ([0x61, 0xFF, 0x62], "a\u{FFFD}b"),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"),
            ([0xE2, 0x80], "\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF0, 0x9F, 0x98, 0x78], "\u{FFFD}x"),
            ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xE2, 0x80, 0xA6, 0xF0, 0x9F, 0x98, 0x80], "…😀"),
        ] as [([UInt8], String)]
    )
    func notUTF8(_ bytes: [UInt8], _ text: String) throws {
        let stream = [Array("event:".utf8), bytes, Array("\nid:".utf8), bytes, Array("\n:".utf8), bytes]
        let end = [Array("\ndata:".utf8), bytes, Array("\n\n".utf8)]
        for chunks in Chunking.all(of: Array((stream + end).joined())) {
            #expect(try Parsed(chunks).outputs == [.comment(text), event(text, type: text, id: text)])
        }
    }

    @Test("A field name is compared byte by byte")
    func fieldNames() throws {
        let text = "Data: 1\n data: 2\ndata : 3\ndatum: 4\ndat: 5\nid2: 6\neven: t\nevents: t\nretry2: 1\ndata: 7\n\n"
        #expect(try Parsed(text).outputs == [event("7")])
    }

    @Test("What no blank line has finished is discarded, or kept by those who know the body to be complete")
    func unfinishedBlock() throws {
        let whole = "data: a\n\n"
        for rest in ["event: t\nid: 5\ndata: b\n", "event: t\nid: 5\ndata: b", "event: t\nid: 5\ndata: b\r"] {
            for chunks in Chunking.all(of: Array((whole + rest).utf8)) {
                let discarded = try Parsed(chunks)
                #expect(discarded.outputs == [event("a")])
                #expect(discarded.lastEventID == "")
                #expect(discarded.hadUnfinishedBlock)
                let kept = try Parsed(chunks, keepingUnfinishedBlock: true)
                #expect(kept.outputs == [event("a"), event("b", type: "t", id: "5")])
                #expect(kept.lastEventID == "5")
            }
        }
        #expect(try !Parsed(whole).hadUnfinishedBlock)
        #expect(try !Parsed("").hadUnfinishedBlock)
        #expect(try !Parsed("\u{FEFF}").hadUnfinishedBlock)
        #expect(try Parsed(": comment\n").hadUnfinishedBlock)
        #expect(try Parsed(whole, keepingUnfinishedBlock: true).outputs == [event("a")])
    }

    @Test("A finished parser starts the next stream afresh, but for the last event ID")
    func nextStream() throws {
        var parser = EventStreamParser()
        _ = try parser.parse(Array("\u{FEFF}id: 1\n\nevent: t\ndata: torn\nda\r".utf8))
        parser.finish()
        #expect(!parser.hasUnfinishedBlock)
        #expect(try parser.parse(Array("\n\u{FEFF}data: x\ndata: a\n\n".utf8)) == [event("a", id: "1")])
        parser.finish()
        #expect(try parser.parse(Array("\u{FEFF}data: b\n\n".utf8)) == [event("b", id: "1")])
    }
}
