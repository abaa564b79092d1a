public import EventSource

@available(freshet 0.1, *)
extension DurableStream {
    /// What was read at once: whole, or it is not shown.
    public struct Chunk: Sendable, Equatable {
        /// The bytes of the stream after the last chunk. Of `application/json` they are one array with the values.
        ///
        /// They may be empty, when there is something else to tell: the position of the tail, or the end.
        public var bytes: [UInt8]
        /// Where to read on after this chunk: keep it together with what you made of the bytes.
        public var nextOffset: Offset
        /// There was no more at that moment.
        public var isUpToDate: Bool
        /// What came before is no longer there: the read was to be from the start, and retention has trimmed it.
        /// Freshet's own.
        public var isAfterGap: Bool
        /// How the stream ended; nil while it is open. Nothing follows it.
        public var end: End?
        /// Where the JSON values are in the bytes.
        private var valueRanges: [Range<Int>]

        /// The JSON values in it, each whole, in their order: of `application/json` the elements of the array, of
        /// `application/x-ndjson` the lines. None for other types.
        public var values: [ArraySlice<UInt8>] { valueRanges.map { bytes[$0] } }

        init(
            bytes: [UInt8],
            values: [Range<Int>] = [],
            nextOffset: Offset,
            isUpToDate: Bool,
            isAfterGap: Bool = false,
            end: End? = nil
        ) {
            self.bytes = bytes
            self.nextOffset = nextOffset
            self.isUpToDate = isUpToDate
            self.isAfterGap = isAfterGap
            self.end = end
            valueRanges = values
        }
    }
}
