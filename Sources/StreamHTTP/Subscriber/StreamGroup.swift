import StreamCore

/// The readers of one stream on one event loop, kept densely so that handing on a batch is one pass.
final class StreamGroup {
    let name: StreamName
    private var readers: [any TailReader] = []
    private var isReady = false

    init(name: StreamName) {
        self.name = name
    }

    var isEmpty: Bool { readers.isEmpty }

    func add(_ reader: any TailReader) {
        reader.index = readers.count
        readers.append(reader)
        if isReady { reader.ready() }
    }

    /// False when the reader was not here.
    func remove(_ reader: any TailReader) -> Bool {
        let index = reader.index
        guard index < readers.count, readers[index] === reader else { return false }
        let last = readers.removeLast()
        if last !== reader {
            readers[index] = last
            last.index = index
        }
        return true
    }

    func committed(_ batch: TailBatch) {
        for reader in readers { reader.committed(batch) }
    }

    /// Anything but commits.
    func signal(_ signal: StreamSignal) {
        switch signal {
        case .ready:
            isReady = true
            for reader in readers { reader.ready() }
        case .created: for reader in readers { reader.created() }
        case .trimmed(let floor): for reader in readers { reader.trimmed(floor: floor) }
        case .removed(let removal): for reader in readers { reader.removed(removal) }
        case .broken:
            isReady = false
            for reader in readers { reader.broken() }
        case .committed: preconditionFailure("commits come as batches")
        }
    }
}
