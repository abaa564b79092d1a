package import StreamCore

/// How an acknowledgement is kept.
@available(freshet 0.1, *)
package enum Durability: String, Sendable, CaseIterable {
    /// On the disk: it survives the loss of power.
    case fsync
    /// With the operating system: it survives the death of the process, not that of the machine.
    case os
}

/// What may be chosen of a durable store. The measures behind the defaults are in `docs/performance.md`.
@available(freshet 0.1, *)
package struct SQLiteStoreConfiguration: Sendable {
    package var durability: Durability
    package var limits: StoreLimits
    /// Who is told of ends.
    package var outbox = OutboxRules.none

    /// Bytes of a stream's events that are sealed into one chunk.
    package var chunkBytes = 24 << 10
    /// How long events stay outside of a chunk.
    package var sealAfter: Duration = .seconds(30)
    /// Chunks sealed in one commit, beyond what the commit itself makes necessary: sealing thousands of streams that
    /// run in step would stall every acknowledgement for a quarter of a second.
    package var chunksPerCommit = 6
    /// Bytes of hot rows at which the oldest streams are sealed early. It bounds memory, the file, and a restart.
    package var hotBytes = 64 << 20
    /// Bytes of decoded chunks that each thread that reads keeps at hand.
    package var cacheBytes = 4 << 20
    /// The longest wait for company under load.
    package var longestWindow: Duration = .milliseconds(2)
    package var checkpointInterval: Duration = .milliseconds(200)
    /// Pages of the write-ahead log at which the writer copies them itself.
    package var logPages = 8192
    /// The most pages of 4 KiB the database may have; nil is no bound but the disk.
    package var maximumPages: Int?
    /// The room on the disk of the data directory; nil when that is not known.
    package var room: @Sendable (_ directory: String) -> DiskRoom? = DiskRoom.around
    /// The name of the SQLite file layer; nil is the platform's own.
    package var fileLayer: String?

    package init(
        durability: Durability = .fsync,
        limits: StoreLimits = StoreLimits(streams: 1_000_000, bytes: 64 << 30)
    ) {
        self.durability = durability
        self.limits = limits
    }
}
