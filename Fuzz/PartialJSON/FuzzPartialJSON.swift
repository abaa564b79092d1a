/// What libFuzzer calls. The first byte chooses the limits, the second how the rest, the text, is cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPartialJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count >= 2 else { return 0 }
    let text = input[2...]
    let small = PartialJSONParser.Limits(depth: Int(input[0] & 0x07), bytes: Int(input[0]))
    checkEveryChunkingGivesTheSame(text, limits: small, duplicateKeys: .lastWins, seed: input[1])
    checkEveryChunkingGivesTheSame(text, limits: .init(), duplicateKeys: .refused, seed: input[1])
    for duplicateKeys in [PartialJSONParser.DuplicateKeys.refused, .lastWins] {
        checkAgainstReference(text, duplicateKeys: duplicateKeys)
    }
    checkValuesOnlyGrow(text)
    return 0
}

/// Stops with the message; `precondition` keeps its own to itself in optimised code.
private func check(_ condition: Bool, _ message: @autoclosure () -> String) {
    guard condition else { fatalError(message()) }
}

private func checkEveryChunkingGivesTheSame(
    _ text: ArraySlice<UInt8>,
    limits: PartialJSONParser.Limits,
    duplicateKeys: PartialJSONParser.DuplicateKeys,
    seed: UInt8
) {
    let single = Trace(text.indices.map { text[$0...$0] }, limits: limits, duplicateKeys: duplicateKeys)
    var chunks: [ArraySlice<UInt8>] = []
    var rest = text
    var state = seed
    while !rest.isEmpty {
        state = state &* 5 &+ 17
        chunks.append(rest.prefix(Int(state >> 4)))
        rest = rest.dropFirst(Int(state >> 4))
    }
    for chunks in [[text], chunks] {
        let trace = Trace(chunks, limits: limits, duplicateKeys: duplicateKeys)
        check(trace.error == single.error, "\(trace) and byte by byte \(single)")
        check(trace.final == single.final, "\(trace) and byte by byte \(single)")
        for (count, value) in trace.values {
            let expected = single.values[count] ?? nil
            check(value == expected && value?.isComplete == expected?.isComplete, "\(trace) and byte by byte \(single)")
        }
    }
}

private func checkAgainstReference(
    _ text: ArraySlice<UInt8>,
    duplicateKeys: PartialJSONParser.DuplicateKeys
) {
    let trace = Trace([text], limits: .init(), duplicateKeys: duplicateKeys)
    let reference = ReferenceReader.read(text, lastWins: duplicateKeys == .lastWins)
    check((trace.error == nil) == (reference != nil), "\(trace), reference: \(reference?.description ?? "not JSON")")
    if let reference { check(trace.final == reference && reference.isComplete, "\(trace), reference: \(reference)") }
}

/// Nothing is taken back, and all that is shown is JSON.
private func checkValuesOnlyGrow(_ text: ArraySlice<UInt8>) {
    let trace = Trace(text.indices.map { text[$0...$0] }, limits: .init(), duplicateKeys: .refused)
    var earlier: JSONValue?
    for count in 0...text.count {
        guard let value = trace.values[count] ?? nil else {
            check(earlier == nil || trace.values[count] == nil, "\(trace) takes everything back")
            continue
        }
        if let earlier { check(value.continues(earlier), "\(earlier) became \(value)") }
        check(ReferenceReader.read(value.description.utf8, lastWins: false) == value, "\(value) is written wrongly")
        earlier = value
    }
}

extension JSONValue {
    /// Whether this is `earlier` with more at its end.
    fileprivate func continues(_ earlier: JSONValue) -> Bool {
        if earlier.isComplete { return self == earlier && isComplete }
        switch (earlier, self) {
        case (.string(let earlier), .string(let later)):
            return later.text.utf8.starts(with: earlier.text.utf8)
                && later.suffix(fromUTF8: earlier.utf8Count).utf8
                    .elementsEqual(later.text.utf8.dropFirst(earlier.utf8Count))
        case (.array(let earlier), .array(let later)):
            return later.count >= earlier.count && zip(earlier, later).allSatisfy { $1.continues($0) }
        case (.object(let earlier), .object(let later)):
            return later.count >= earlier.count
                && zip(earlier, later).allSatisfy {
                    $0.key.utf8.elementsEqual($1.key.utf8) && $1.value.continues($0.value)
                }
        default:
            return false
        }
    }
}
