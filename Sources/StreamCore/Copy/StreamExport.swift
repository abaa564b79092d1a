/// What streams can be copied from, with all that a store knows of them.
@available(freshet 0.1, *)
package protocol StreamExport: Sendable {
    /// Streams whose names begin with a text, in the order of the names (by UTF-8 bytes) and strictly after one, and names
    /// that are kept for forks; fewer than the limit only where no more follow.
    func records(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamRecord]

    /// Events of a stream that are later than an offset and no later than the tail of its record. At least one is
    /// returned where there is one, however large. Nil when the stream of that birth is gone.
    func events(
        of record: StreamRecord,
        after offset: Offset,
        limit: PageLimit
    ) async throws(StoreError) -> ExportedPage?

    /// Calls of webhooks that have not succeeded, which are not copied.
    var waitingCalls: Int { get }
}

@available(freshet 0.1, *)
extension StreamExport {
    package var waitingCalls: Int { 0 }
}

/// A stretch of a stream that is copied.
@available(freshet 0.1, *)
package struct ExportedPage: Sendable {
    /// Events that were kept together, and how long ago that was.
    package struct Part: Sendable {
        package var run: EventRun
        package var age: Duration

        package init(run: EventRun, age: Duration) {
            self.run = run
            self.age = age
        }
    }

    /// How the asked offset stands to the log. Where that is not `exact` there are no events.
    package var standing: Page.Standing
    package var parts: [Part]

    package init(standing: Page.Standing = .exact, parts: [Part] = []) {
        self.standing = standing
        self.parts = parts
    }

    package var lastOffset: Offset? { parts.last?.run.lastOffset }
}
