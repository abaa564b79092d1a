import Locks
import StreamCore

/// Copies streams from one store to another, and counts what became of them.
@available(freshet 0.1, *)
struct StreamCopy: Sendable {
    let source: any StreamExport
    let target: any StreamImport
    /// What their names begin with.
    var prefix = ""

    /// Bytes and events that are on their way at one time.
    private static let page = PageLimit(events: 4096, bytes: 1 << 20)
    private static let recordsAtOnce = 200

    /// How far it came.
    struct Progress: Sendable, Equatable {
        var streams = 0
        var events = 0
        var bytes = 0
        var created = 0
        var extended = 0
        var same = 0
        /// Streams that were not copied, and why.
        var left: [Left] = []
    }

    struct Left: Sendable, Equatable {
        var name: StreamName
        var why: Reason

        enum Reason: Sendable, Equatable {
            case changedMeanwhile
            case differs(ImportDifference)
            /// It cannot be read where it is.
            case damaged(String)
        }
    }

    /// - Parameter told: called with each page and each stream.
    /// - Throws: what stopped it. What was copied until then is not copied again the next time.
    func run(_ told: @Sendable (Progress) -> Void) async throws(StoreError) -> Progress {
        let progress = Mutex(Progress())
        var last: String?
        while true {
            let records = try await source.records(prefix: prefix, after: last, limit: Self.recordsAtOnce)
            for record in records {
                let left: Left.Reason?
                do throws(StoreError) {
                    let outcome = try await take(record) { part in
                        told(
                            progress.withLock { progress in
                                progress.events += part.count
                                progress.bytes += part.size
                                return progress
                            }
                        )
                    }
                    left = progress.withLock { $0.count(outcome) }
                } catch {
                    // Of one stream only: all others can be copied.
                    guard case .damaged(let what) = error else { throw error }
                    left = .damaged(what)
                }
                told(
                    progress.withLock { progress in
                        progress.streams += 1
                        if let left { progress.left.append(Left(name: record.info.name, why: left)) }
                        return progress
                    }
                )
            }
            // A page may have more: what is kept for a fork comes with it.
            guard records.count >= Self.recordsAtOnce else { break }
            last = records.last?.info.name.text
        }
        try await target.finish()
        return progress.withLock(\.self)
    }

    private func take(
        _ record: StreamRecord,
        _ passed: @Sendable (EventRun) -> Void
    ) async throws(StoreError) -> ImportOutcome {
        try await target.take(record) { offset throws(StoreError) in
            let page = try await source.events(of: record, after: offset, limit: Self.page)
            for part in page?.parts ?? [] { passed(part.run) }
            return page
        }
    }
}

@available(freshet 0.1, *)
extension StreamCopy.Progress {
    /// Counts a stream; why it was not copied, where it was not.
    fileprivate mutating func count(_ outcome: ImportOutcome) -> StreamCopy.Left.Reason? {
        switch outcome {
        case .created: created += 1
        case .extended: extended += 1
        case .same: same += 1
        case .changedMeanwhile: return .changedMeanwhile
        case .differs(let difference): return .differs(difference)
        }
        return nil
    }
}
