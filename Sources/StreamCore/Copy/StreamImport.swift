/// What streams can be copied to, with their offsets and all that another store knows of them.
@available(freshet 0.1, *)
package protocol StreamImport: Sendable {
    /// Keeps a stream as another store has it: as a whole or not at all, so that nobody ever reads a half of it.
    ///
    /// Asked again, it does nothing; for a stream that has gone on where it came from it keeps what came since. One at a
    /// time, in the order of the names.
    ///
    /// - Parameter events: what follows an offset, page by page; a page without events is the last.
    func take(
        _ record: StreamRecord,
        events: @Sendable (Offset) async throws(StoreError) -> ExportedPage?
    ) async throws(StoreError) -> ImportOutcome

    /// Returns when all that was taken is kept as durably as an append would be.
    func finish() async throws(StoreError)
}

/// What became of a stream that was to be copied.
@available(freshet 0.1, *)
package enum ImportOutcome: Sendable, Equatable {
    case created
    /// Its beginning was there already.
    case extended
    /// It was there already, with all of its events.
    case same
    /// It was deleted, or retention took some of its events, while it was copied.
    case changedMeanwhile
    /// Another stream is there under the name, or one that has gone its own way; nothing was changed.
    case differs(ImportDifference)
}

/// What stands in the way of a stream that was to be copied.
@available(freshet 0.1, *)
package enum ImportDifference: String, Sendable {
    /// A stream with another birth.
    case otherStream
    /// A stream that is deleted and has forks, or one that is not where it came from.
    case softDeletion
    /// It was appended to, or ended, since it was copied.
    case wentOn
}

/// How a stream that was to be copied stands to the one that is there, the same for every store.
@available(freshet 0.1, *)
package enum ImportStanding: Equatable, Sendable {
    /// There is none.
    case new
    /// There is its beginning: what follows this offset is missing, and perhaps the end.
    case beginning(through: Offset)
    /// There is a part of it, all of which retention has taken meanwhile where it came from.
    case outdated
    case decided(ImportOutcome)

    /// - Parameters:
    ///   - existing: what is there under the name; nil when there is nothing.
    ///   - isSoftDeleted: what is there is a name that is kept for forks.
    package init(of record: StreamRecord, to existing: StreamInfo?, isSoftDeleted: Bool) {
        let info = record.info
        self =
            if isSoftDeleted {
                .decided(record.isSoftDeleted ? .same : .differs(.softDeletion))
            } else if let existing {
                if record.isSoftDeleted {
                    .decided(.differs(.softDeletion))
                } else if existing.birth != info.birth {
                    .decided(.differs(.otherStream))
                } else if existing.tail > info.tail || (existing.end != nil && existing.end != info.end) {
                    .decided(.differs(.wentOn))
                } else if existing.tail == info.tail, existing.end == info.end {
                    .decided(.same)
                } else if existing.tail < info.floor {
                    existing.end == nil ? .outdated : .decided(.differs(.wentOn))
                } else {
                    .beginning(through: existing.tail)
                }
            } else {
                .new
            }
    }
}
