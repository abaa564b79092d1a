import StreamCore

/// The events of a stream after an offset, one by one, from its chunks and then from memory. Chunks are read as they
/// are reached; one that cannot be ends the walk, with the reason in `failure`.
final class LogWalk: Sequence, IteratorProtocol {
    private let stream: WriterStream
    private let statements: WriterStatements
    private let offset: Offset
    private var chunk: Int64
    private var isInMemory = false
    private var loaded: ArraySlice<KeptEvent> = []
    private(set) var failure: SQLiteError?

    init(after offset: Offset, from chunk: Int64, _ stream: WriterStream, _ statements: WriterStatements) {
        self.stream = stream
        self.statements = statements
        self.offset = offset
        self.chunk = chunk
    }

    func next() -> KeptEvent? {
        while loaded.isEmpty {
            guard failure == nil, !isInMemory else { return nil }
            guard chunk < stream.row.nextChunk else {
                isInMemory = true
                loaded = stream.unsealed.filter { $0.event.offset > offset }[...]
                continue
            }
            do throws(SQLiteError) {
                let row = try statements.chunk(chunk, of: stream)
                loaded = row.events.filter { $0.event.offset > offset }[...]
                chunk += 1
            } catch {
                failure = error
            }
        }
        return loaded.popFirst()
    }
}
