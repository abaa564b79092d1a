/// All that can be seen of parsing one stream. Text is compared by its bytes: `String` takes an `é` of one scalar for
/// equal to one of two.
struct Trace: Equatable {
    private(set) var outputs: [[[UInt8]]] = []
    private(set) var error: EventStreamParserError?
    private(set) var lastEventID: [UInt8] = []
    private(set) var hadUnfinishedBlock = false

    init(
        _ chunks: some Sequence<ArraySlice<UInt8>>,
        limits: EventStreamParser.Limits,
        keepingUnfinishedBlock: Bool = false
    ) {
        var parser = EventStreamParser(limits: limits)
        var found: [EventStreamParser.Output] = []
        do throws(EventStreamParserError) {
            for chunk in chunks {
                try chunk.withUnsafeBufferPointer { (bytes) throws(EventStreamParserError) in
                    try parser.parse(UnsafeRawBufferPointer(bytes)) { found.append($0) }
                }
            }
            hadUnfinishedBlock = parser.hasUnfinishedBlock
            if keepingUnfinishedBlock {
                try parser.finishKeepingUnfinishedBlock { found.append($0) }
            }
        } catch {
            self.error = error
        }
        outputs = found.map(Self.bytes)
        lastEventID = Array(parser.lastEventID.utf8)
    }

    init(_ reference: ReferenceParser) {
        outputs = reference.outputs.map(Self.bytes)
        lastEventID = Array(reference.lastEventID.utf8)
    }

    /// Whether two streams mean the same, whatever their ends.
    func meansTheSame(as other: Self) -> Bool {
        outputs == other.outputs && error == other.error && lastEventID == other.lastEventID
    }

    private static func bytes(of output: EventStreamParser.Output) -> [[UInt8]] {
        switch output {
        case .event(let event): [[0], Array(event.type.utf8), Array(event.data.utf8), Array(event.lastEventID.utf8)]
        case .comment(let text): [[1], Array(text.utf8)]
        case .retry(let milliseconds): [[2], Array("\(milliseconds)".utf8)]
        }
    }
}
