import NIOCore
import ServerSentEvents
import StreamCore
import TextCodecs

/// Reads the bytes of an upstream's answer as the events that are kept of it.
@available(freshet 0.1, *)
struct EventReader: Sendable {
    private var parser: EventStreamParser
    /// Of a format whose events are lines.
    private var lines: LineCutter?
    private var stray = StrayText()
    /// Of a format whose last event has a name.
    private var bareLast: BareEventSearch?
    private var machine: ProviderEventMachine
    /// The data of the last event, where that has a name.
    private let last: String?
    /// What was told about the answer; nil where nobody asks.
    private(set) var facts: AnswerFacts?

    /// What some bytes came to.
    struct Read: Sendable {
        var kept: [ProviderEventMachine.Kept] = []
        /// Nothing that follows can be read.
        var isTooLarge = false
    }

    /// - Parameter notesFacts: what is told about the answer is of use to somebody.
    init(
        _ format: WireFormat,
        _ names: EventNames = EventNames(),
        eventBytes: Int,
        notesFacts: Bool = false
    ) {
        // A line is its data and the name of the field.
        parser = EventStreamParser(limits: .init(lineBytes: eventBytes + 16, eventBytes: eventBytes))
        if format == .ollama { lines = LineCutter(limit: eventBytes) }
        machine = ProviderEventMachine(format, names)
        last = names.last
        if notesFacts { facts = AnswerFacts(format) }
        if format == .events { bareLast = names.lastEvent.map { BareEventSearch($0) } }
    }

    var verdict: EndRequest? { machine.verdict }
    var isOver: Bool { machine.isOver }
    var countedTokens: Int? { machine.countedTokens }

    mutating func received(_ piece: ByteBuffer) -> Read {
        let read = lines == nil ? receivedEvents(piece) : receivedLines(piece)
        note(read.kept)
        return read
    }

    private mutating func receivedEvents(_ piece: ByteBuffer) -> Read {
        var read = Read()
        piece.withUnsafeReadableBytes { bytes in
            var rest = bytes
            while !rest.isEmpty, !read.isTooLarge, !machine.isOver {
                let found = stray.received(rest)
                let end = found?.end ?? rest.count
                parse(UnsafeRawBufferPointer(rebasing: rest[..<end]), &read)
                if let found { read.kept += machine.received(found.failure) }
                rest = UnsafeRawBufferPointer(rebasing: rest[end...])
            }
        }
        return read
    }

    /// The body has ended, in good order or not: how the answer ends, and what of it was still to be read.
    mutating func ended(isClean: Bool) -> (kept: [ProviderEventMachine.Kept], end: EndRequest) {
        let last = readRest(isClean: isClean)
        note(last.kept)
        return last
    }

    private mutating func note(_ kept: [ProviderEventMachine.Kept]) {
        guard facts != nil else { return }
        for one in kept { facts?.received(one.body.data) }
    }

    private mutating func readRest(isClean: Bool) -> (kept: [ProviderEventMachine.Kept], end: EndRequest) {
        var kept: [ProviderEventMachine.Kept] = []
        if lines != nil {
            if isClean, !machine.isOver { lines?.ended { kept += machine.received(line: $0) } }
            return (kept, machine.disconnected(isClean: isClean))
        }
        if isClean, !machine.isOver {
            // Many leave out the blank line after their last event. One that is whole is an event all the same.
            let last = last
            try? parser.finishKeepingUnfinishedBlock { output in
                guard case .event(let event) = output, event.data == last || Self.isWhole(event) else { return }
                kept += machine.received(event)
            }
            if bareLast?.ended() == true { machine.receivedLast() }
        }
        if !machine.isOver, let failure = stray.ended() { kept += machine.received(failure) }
        return (kept, machine.disconnected(isClean: isClean))
    }

    private mutating func receivedLines(_ piece: ByteBuffer) -> Read {
        var read = Read()
        let isRead = lines?.received(piece.readableBytesView) { line in
            if !machine.isOver { read.kept += machine.received(line: line) }
        }
        read.isTooLarge = isRead == false
        return read
    }

    private mutating func parse(_ bytes: UnsafeRawBufferPointer, _ read: inout Read) {
        var rest = bytes
        if let end = bareLast?.received(rest) {
            // Once is enough.
            bareLast = nil
            parseEvents(UnsafeRawBufferPointer(rebasing: rest[..<end]), &read)
            // After what came before it: the first word counts.
            if !machine.isOver { machine.receivedLast() }
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
        if !read.isTooLarge { parseEvents(rest, &read) }
    }

    private mutating func parseEvents(_ bytes: UnsafeRawBufferPointer, _ read: inout Read) {
        do throws(EventStreamParserError) {
            try parser.parse(bytes) { output in
                guard case .event(let event) = output, !machine.isOver else { return }
                read.kept += machine.received(event)
            }
        } catch {
            read.isTooLarge = true
        }
    }

    private static func isWhole(_ event: ServerSentEvent) -> Bool {
        event.data.utf8.starts(with: "[DONE]".utf8) || JSONSlice(Array(event.data.utf8)).isValue
    }
}
