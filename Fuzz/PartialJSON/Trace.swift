/// All that can be seen of parsing one text.
struct Trace {
    /// What was shown after so many bytes, at the end of each piece.
    private(set) var values: [Int: JSONValue?] = [0: nil]
    private(set) var error: PartialJSONError?
    /// What was shown last.
    private(set) var final: JSONValue?

    init(
        _ chunks: [ArraySlice<UInt8>],
        limits: PartialJSONParser.Limits,
        duplicateKeys: PartialJSONParser.DuplicateKeys
    ) {
        var parser = PartialJSONParser(limits: limits, duplicateKeys: duplicateKeys)
        var count = 0
        do throws(PartialJSONError) {
            for chunk in chunks {
                try parser.parse(Array(chunk))
                count += chunk.count
                values.updateValue(parser.value, forKey: count)
            }
            try parser.finish()
        } catch {
            self.error = error
        }
        final = parser.value
    }
}
