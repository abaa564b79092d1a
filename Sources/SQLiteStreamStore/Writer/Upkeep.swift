import StreamCore

/// A bounded piece of the work that nobody waits for: it rides in the transactions of what is asked.
@available(freshet 0.1, *)
struct Upkeep {
    /// Events of one stream that leave the hot rows.
    struct Seal {
        var stream: WriterStream
        var chunks: [(key: Int64, row: ChunkRow)]
    }

    /// Chunks that nobody can read any more.
    struct Collection {
        var stream: WriterStream
        var chunks: Range<Int64>

        var keys: Range<Int64> {
            Schema.chunkKey(
                stream.row.number,
                chunks.lowerBound
            )..<Schema.chunkKey(stream.row.number, chunks.upperBound)
        }
    }

    var seals: [Seal] = []
    var collections: [Collection] = []
    /// Hot rows to delete, the oldest first.
    var hotRows = 0
    /// Streams whose row changes and that the batch does not touch already.
    var touched: [WriterStream] = []
    /// What the rows were to become without this.
    private var before: [(stream: WriterStream, row: StreamRow?)] = []
    private var known: Set<Int64> = []

    var isEmpty: Bool { before.isEmpty && hotRows == 0 }

    /// Changes a stream's row.
    mutating func withRow(_ stream: WriterStream, _ body: (inout StreamRow) -> Void) {
        if known.insert(stream.row.number).inserted {
            if stream.nextRow == nil, stream.nextLog == nil { touched.append(stream) }
            before.append((stream, stream.nextRow))
        }
        var row = stream.currentRow
        stream.nextRow = nil
        body(&row)
        stream.nextRow = row
    }

    /// Takes the changes back.
    func discard() {
        for (stream, row) in before {
            stream.nextRow = row
            stream.nextRowSum = nil
        }
    }
}
