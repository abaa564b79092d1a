/// What libFuzzer calls. The first byte chooses the limits, the second how the rest is cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRESP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count >= 2 else { return 0 }
    let bytes = input[2...]
    var small = RESPLimits()
    small.line = Int(input[0] & 0x0F) + 1
    small.bulk = Int(input[0] >> 4)
    small.reply = Int(input[0] & 0x3F)
    small.elements = Int(input[0] & 0x07) + 1
    small.depth = Int(input[0] >> 5)
    checkEveryChunkingGivesTheSame(bytes, small, seed: input[1])
    checkEveryChunkingGivesTheSame(bytes, RESPLimits(), seed: input[1])
    checkLimits(Trace([bytes], small), small)
    checkAgainstReference(bytes)
    return 0
}

/// Stops with the message; `precondition` keeps its own to itself in optimised code.
private func check(_ condition: Bool, _ message: @autoclosure () -> String) {
    guard condition else { fatalError(message()) }
}

private func checkEveryChunkingGivesTheSame(_ bytes: ArraySlice<UInt8>, _ limits: RESPLimits, seed: UInt8) {
    let single = Trace(bytes.indices.map { bytes[$0...$0] }, limits)
    var chunks: [ArraySlice<UInt8>] = []
    var rest = bytes
    var state = seed
    while !rest.isEmpty {
        state = state &* 5 &+ 17
        chunks.append(rest.prefix(Int(state >> 4)))
        rest = rest.dropFirst(Int(state >> 4))
    }
    for chunks in [[bytes], chunks] {
        let trace = Trace(chunks, limits)
        check(trace.isSame(as: single), "\(trace) and byte by byte \(single)")
    }
}

private func checkAgainstReference(_ bytes: ArraySlice<UInt8>) {
    let trace = Trace([bytes], RESPLimits())
    var reference = ReferenceReader(rest: bytes, limits: RESPLimits())
    let (values, outcome) = reference.readAll()
    check(areSame(trace.values, values), "\(trace), reference: \(values)")
    check((trace.error != nil) == (outcome == .broken), "\(trace), reference: \(outcome)")
    check(trace.error != nil || trace.isBetweenReplies == (outcome == .complete), "\(trace), reference: \(outcome)")
}

private func checkLimits(_ trace: Trace, _ limits: RESPLimits) {
    for value in trace.values {
        let measure = Measure(value)
        check(measure.values <= limits.elements, "\(value) has \(measure.values) values")
        check(measure.depth <= limits.depth, "\(value) has a depth of \(measure.depth)")
        check(measure.bytes <= limits.reply, "\(value) has \(measure.bytes) bytes")
    }
}

/// What a value holds.
private struct Measure {
    var values = 1
    var depth = 0
    var bytes = 0

    init(_ value: RESPValue) {
        switch value {
        case .simple(let text), .bulk(let text), .bigNumber(let text): bytes = text.count
        default: break
        }
        if case .map = value { depth = 1 }
        for element in value.elements ?? [] {
            let inner = Measure(element)
            values += inner.values
            depth = max(depth, inner.depth + 1)
            bytes += inner.bytes
        }
    }
}
