import StreamCore

/// The events of a stream after an offset, one by one, from its chunks and then from memory. Chunks are read as they
/// are reached; one that cannot be ends the walk, with the reason in `failure`.
@available(freshet 0.1, *)
final class LogWalk: Sequence, IteratorProtocol {
    private let stream: WriterStream
    private let statements: WriterStatements
    private let offset: Offset
    private var chunk: Int64
    private var isInMemory = false
    private var loaded: EventLog.Events?
    private(set) var failure: SQLiteError?

    init(after offset: Offset, from chunk: Int64, _ stream: WriterStream, _ statements: WriterStatements) {
        self.stream = stream
        self.statements = statements
        self.offset = offset
        self.chunk = chunk
    }

    func next() -> KeptEvent? {
        while true {
            if let next = loaded?.next() { return next }
            guard failure == nil, !isInMemory else { return nil }
            guard chunk < stream.row.nextChunk else {
                isInMemory = true
                loaded = stream.unsealed.events(after: offset)
                continue
            }
            do throws(SQLiteError) {
                loaded = try statements.chunk(chunk, of: stream).events.events(after: offset)
                chunk += 1
            } catch {
                failure = error
            }
        }
    }
}
