/// What libFuzzer calls. The first byte chooses the limits, the second how the rest, the stream, is cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCodec(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count >= 2 else { return 0 }
    let stream = input[2...]
    let small = EventStreamParser.Limits(lineBytes: Int(input[0] & 0x3F), eventBytes: Int(input[0] >> 3))
    for limits in [small, EventStreamParser.Limits()] {
        checkEveryChunkingGivesTheSame(stream, limits: limits, seed: input[1])
    }
    checkAgainstReference(stream)
    checkWholeEventsSurvive(stream)
    checkArbitraryDataSurvives(Array(stream), spaceAfterColon: input[1] & 1 == 0)
    return 0
}

/// Stops with the message; `precondition` keeps its own to itself in optimised code.
private func check(_ condition: Bool, _ message: @autoclosure () -> String) {
    guard condition else { fatalError(message()) }
}

private func checkEveryChunkingGivesTheSame(
    _ stream: ArraySlice<UInt8>,
    limits: EventStreamParser.Limits,
    seed: UInt8
) {
    let oneByteEach = stream.indices.map { stream[$0...$0] }
    var random: [ArraySlice<UInt8>] = []
    var rest = stream
    var state = seed
    while !rest.isEmpty {
        state = state &* 5 &+ 17
        random.append(rest.prefix(Int(state >> 4)))
        rest = rest.dropFirst(Int(state >> 4))
    }
    for keeping in [false, true] {
        let whole = Trace([stream], limits: limits, keepingUnfinishedBlock: keeping)
        for chunks in [oneByteEach, random] {
            let cut = Trace(chunks, limits: limits, keepingUnfinishedBlock: keeping)
            check(cut == whole, "cut: \(cut), whole: \(whole)")
        }
        if keeping {
            let finished = Trace([stream + [0x0A, 0x0A]], limits: limits)
            check(finished.meansTheSame(as: whole), "finished: \(finished), kept: \(whole)")
        }
    }
}

private func checkAgainstReference(_ stream: ArraySlice<UInt8>) {
    let trace = Trace([stream], limits: .init())
    let reference = Trace(ReferenceParser(Array(stream)))
    check(trace.meansTheSame(as: reference), "parser: \(trace), reference: \(reference)")
}

/// Encodes what was parsed and parses it again.
private func checkWholeEventsSurvive(_ stream: ArraySlice<UInt8>) {
    for case .event(let event) in ReferenceParser(Array(stream)).outputs {
        let block = EventBlock(event: event.type, id: event.lastEventID, data: event.data)
        do {
            let again = try ReferenceParser(EventStreamEncoder().encode(block)).outputs
            check(again.map(utf8) == [utf8(.event(event))], "\(event) became \(again)")
        } catch {
            // A type may hold a NUL when it is read, and nothing else that is refused when it is written.
            check(event.type.utf8.contains(0), "\(event) is refused: \(error)")
        }
    }
}

private func checkArbitraryDataSurvives(_ data: [UInt8], spaceAfterColon: Bool) {
    var expected: [UInt8] = []
    var afterCarriageReturn = false
    for byte in String(decoding: data, as: UTF8.self).utf8 {
        if byte != 0x0A || !afterCarriageReturn { expected.append(byte == 0x0D ? 0x0A : byte) }
        afterCarriageReturn = byte == 0x0D
    }
    do {
        let encoder = EventStreamEncoder(spaceAfterColon: spaceAfterColon)
        let comment = String(decoding: data, as: UTF8.self)
        let block = EventBlock(comment: comment, data: data)
        let bytes = try encoder.encode(block)
        let count = try encoder.byteCount(of: block)
        check(bytes.count == count, "\(count) bytes announced, \(bytes.count) written")
        var parser = EventStreamParser()
        let events = try parser.parse(bytes).filter { if case .event = $0 { true } else { false } }
        let event = EventStreamParser.Output.event(ServerSentEvent(data: String(decoding: expected, as: UTF8.self)))
        check(events.map(utf8) == [utf8(event)], "\(data) became \(events)")
        check(!parser.hasUnfinishedBlock, "\(data) left a block unfinished")
    } catch {
        fatalError("\(data) is refused: \(error)")
    }
}

private func utf8(_ output: EventStreamParser.Output) -> [[UInt8]] {
    guard case .event(let event) = output else { return [] }
    return [event.type, event.data, event.lastEventID].map { Array($0.utf8) }
}
