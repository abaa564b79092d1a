package import StreamCore

/// What a store has done since it was opened.
@available(freshet 0.1, *)
package struct StoreCounters: Sendable, Equatable {
    /// Commits that kept something that was asked for, and those of upkeep alone.
    package var commits = 0
    package var upkeepCommits = 0
    /// Requests that changed something, and the events they brought.
    package var requests = 0
    package var events = 0
    package var chunksSealed = 0
    package var chunksDeleted = 0
    package var hotRows = 0
    package var freedPages = 0
    /// What is kept now.
    package var usage = StoreUsage(streams: 0, bytes: 0)
}
