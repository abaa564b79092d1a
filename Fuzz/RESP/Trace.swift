/// All that can be seen of reading some bytes.
struct Trace {
    private(set) var values: [RESPValue] = []
    private(set) var error: RESPParseError?
    private(set) var isBetweenReplies = true

    init(_ chunks: [ArraySlice<UInt8>], _ limits: RESPLimits) {
        var parser = RESPParser(limits: limits)
        do throws(RESPParseError) {
            for chunk in chunks {
                // A buffer of its own: what is read beyond its end is found.
                let chunk = Array(chunk)
                var position = 0
                try chunk.withUnsafeBufferPointer { bytes throws(RESPParseError) in
                    while let value = try parser.next(UnsafeRawBufferPointer(bytes), &position) { values.append(value) }
                }
                if position != chunk.count { fatalError("\(chunk.count - position) bytes were left") }
            }
        } catch {
            self.error = error
        }
        isBetweenReplies = parser.isBetweenReplies
    }

    func isSame(as other: Trace) -> Bool {
        areSame(values, other.values) && error == other.error && isBetweenReplies == other.isBetweenReplies
    }
}

/// Equal, where not-a-number is equal to itself.
func areSame(_ one: [RESPValue], _ other: [RESPValue]) -> Bool {
    one == other || "\(one)" == "\(other)"
}
