/// The type and the data of a block that no blank line has finished yet.
struct PendingBlock: Sendable {
    private enum Data {
        /// No `data` line so far, which is not the same as empty data.
        case none
        /// One line, still where it was received.
        case inChunk(Range<Int>)
        /// All lines are in `buffer`, joined by LF.
        case inBuffer
    }

    /// The block's `event` field, or empty.
    var type = ""
    private var data = Data.none
    /// Kept between blocks for its capacity, unless it has grown beyond `keptCapacity`.
    private var buffer: [UInt8] = []

    private static let keptCapacity = 64 << 10

    /// Adds a line of data.
    ///
    /// - Parameters:
    ///   - value: The line.
    ///   - offset: Where it lies in `chunk`, or nil if it does not.
    ///   - chunk: The bytes being parsed.
    ///   - limit: The greatest length of all lines with the line feeds between them.
    mutating func appendData(
        _ value: UnsafeRawBufferPointer,
        at offset: Int?,
        of chunk: UnsafeRawBufferPointer,
        limit: Int
    ) throws(EventStreamParserError) {
        if case .none = data {
            guard value.count <= limit else { throw .eventTooLong(limit: limit) }
            if let offset {
                data = .inChunk(offset..<offset + value.count)
                return
            }
        } else {
            copyData(from: chunk)
            guard value.count < limit - buffer.count else { throw .eventTooLong(limit: limit) }
            buffer.append(ASCII.lineFeed)
        }
        buffer.append(contentsOf: value)
        data = .inBuffer
    }

    /// Copies data that still lies in the chunk, because the chunk ends before the block or another line follows.
    mutating func copyData(from chunk: UnsafeRawBufferPointer) {
        guard case .inChunk(let range) = data else { return }
        buffer.append(contentsOf: chunk[range])
        data = .inBuffer
    }

    /// Returns the data and forgets it; nil if there was no `data` line.
    mutating func takeData(from chunk: UnsafeRawBufferPointer) -> String? {
        defer { data = .none }
        switch data {
        case .none:
            return nil
        case .inChunk(let range):
            return String(decoding: chunk[range], as: UTF8.self)
        case .inBuffer:
            let text = String(decoding: buffer, as: UTF8.self)
            buffer.removeAll(keepingCapacity: buffer.capacity <= Self.keptCapacity)
            return text
        }
    }
}
