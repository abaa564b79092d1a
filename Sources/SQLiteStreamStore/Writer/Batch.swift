import StreamCore

/// What one commit will do: put together from the requests that wait, then kept or discarded as a whole.
@available(freshet 0.1, *)
struct Batch {
    /// What readers and watchers are told of, in order, once it is kept.
    enum Effect {
        case created(WriterStream)
        case committed(WriterStream, CommittedItem)
        case changed(WriterStream)
        case removed(WriterStream, Removal)
        /// The last fork of a stream that is gone went too.
        case released(StreamName)
    }

    let now: Int64
    var hot: HotRow.Writer
    var effects: [Effect] = []
    var replies: [PendingReply] = []
    /// Streams that came and went; nil is gone.
    var names: [StreamName: WriterStream?] = [:]
    /// Streams that are gone and kept their names for their forks, or keep them no longer (nil).
    var tombstones: [StreamName: WriterStream?] = [:]
    /// Forks that came and went, by their source.
    var forks: [StreamName: Int] = [:]
    /// What a fork that is made takes from its source.
    var copies: [(stream: WriterStream, copy: ForkCopy)] = []
    /// Streams whose `nextLog` or `nextRow` is set.
    var touched: [WriterStream] = []
    var streams: Int
    var bytes: Int
    var nextStream: Int64
    var events = 0
    /// Streams that retention may have to trim afterwards.
    var retained: [WriterStream] = []
    var trimsByAge = false
    /// Streaming appends that were counted.
    var counted: [(stream: WriterStream, by: Int)] = []
    /// What somebody is to be told, and what becomes of what was kept for them.
    var notes: [OutboxNote] = []
    var outboxChanges: [(number: Int64, change: OutboxChange)] = []
    /// Bytes that may still be written without touching the disk's reserve.
    var room: Int

    init(now: Int64, streams: Int, bytes: Int, nextStream: Int64, room: Int) {
        self.now = now
        self.hot = HotRow.Writer(at: now)
        self.streams = streams
        self.bytes = bytes
        self.nextStream = nextStream
        self.room = room
    }

    var isEmpty: Bool { effects.isEmpty && touched.isEmpty && outboxChanges.isEmpty }

    /// Takes what new data needs on the disk; false when there is no room for it.
    ///
    /// - Parameter shared: bytes that a fork copies.
    mutating func takeRoom(for events: EventBatch, beside shared: Int = 0) -> Bool {
        // In the log, in the database as it came, and once more when it is sealed; and the pages around it.
        let need = 3 * events.size + 2 * shared + (16 << 10)
        guard need <= room else { return false }
        room -= need
        return true
    }

    /// Takes what the content of an entry of the outbox needs on the disk; false when there is no room for it.
    mutating func takeRoom(forContent bytes: Int) -> Bool {
        let need = 2 * bytes + (16 << 10)
        guard need <= room else { return false }
        room -= need
        return true
    }

    /// Begins to change a stream's log.
    mutating func withLog<Value>(_ stream: WriterStream, _ body: (inout LogState) -> Value) -> Value {
        touch(stream)
        var log = stream.nextLog ?? stream.log
        stream.nextLog = nil
        defer { stream.nextLog = log }
        return body(&log)
    }

    /// Begins to change a stream's row.
    mutating func withRow(_ stream: WriterStream, _ body: (inout StreamRow) -> Void) {
        touch(stream)
        var row = stream.nextRow ?? stream.row
        stream.nextRow = nil
        body(&row)
        stream.nextRow = row
    }

    private mutating func touch(_ stream: WriterStream) {
        if stream.nextLog == nil, stream.nextRow == nil { touched.append(stream) }
    }

    /// Forgets the changes of a commit that was not kept.
    func discard() {
        for stream in touched {
            stream.nextLog = nil
            stream.nextRow = nil
            stream.nextRowSum = nil
        }
        for (stream, change) in counted { stream.openProducers -= change }
    }
}
