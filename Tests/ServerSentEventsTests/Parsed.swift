import ServerSentEvents

/// What a parser makes of a whole stream.
struct Parsed: Equatable {
    var outputs: [EventStreamParser.Output] = []
    var lastEventID = ""
    var hadUnfinishedBlock = false

    init(
        _ chunks: [[UInt8]],
        limits: EventStreamParser.Limits = .init(),
        lastEventID: String = "",
        keepingUnfinishedBlock: Bool = false
    ) throws(EventStreamParserError) {
        var parser = EventStreamParser(limits: limits, lastEventID: lastEventID)
        for chunk in chunks {
            outputs += try parser.parse(chunk)
        }
        hadUnfinishedBlock = parser.hasUnfinishedBlock
        if keepingUnfinishedBlock {
            var kept: [EventStreamParser.Output] = []
            try parser.finishKeepingUnfinishedBlock { kept.append($0) }
            outputs += kept
        } else {
            parser.finish()
        }
        self.lastEventID = parser.lastEventID
    }

    init(_ text: String, keepingUnfinishedBlock: Bool = false) throws(EventStreamParserError) {
        try self.init([Array(text.utf8)], keepingUnfinishedBlock: keepingUnfinishedBlock)
    }

    var events: [ServerSentEvent] {
        outputs.compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    var comments: [String] {
        outputs.compactMap { if case .comment(let text) = $0 { text } else { nil } }
    }

    var retries: [Int] {
        outputs.compactMap { if case .retry(let milliseconds) = $0 { milliseconds } else { nil } }
    }
}
