import FreshetServer
import NIOPosix
import StreamHTTP

/// Why everything is read again.
@available(freshet 0.1, *)
enum ReloadOccasion: Sendable {
    case signal
    /// Files have changed.
    case change
    /// The reload before failed, and nothing has changed since. Its reason was told.
    case retry
}

/// The reloads of a server, one at a time: those that a signal asks for, and those of a timer that looks at the files.
@available(freshet 0.1, *)
actor Reloads {
    /// How long after a look that found a change the next one comes, at most.
    static let pause = Duration.seconds(1)

    private let look: @Sendable () async -> FileContents
    private let reload: @Sendable (ReloadOccasion) async -> Bool
    private var changes: FileChanges
    private var hasFailed = false
    /// An actor lets others in while it waits: whoever comes next waits for this one.
    private var last: Task<Void, Never>?

    /// - Parameters:
    ///   - read: what the files held when they were first read, or before.
    ///   - look: what they hold now.
    ///   - reload: reads everything again, and returns whether it could be taken.
    init(
        since read: FileContents,
        look: @escaping @Sendable () async -> FileContents,
        reload: @escaping @Sendable (ReloadOccasion) async -> Bool
    ) {
        changes = FileChanges(since: read)
        self.look = look
        self.reload = reload
    }

    /// Reads everything again, whatever has changed. Returns when that is done.
    func now() async {
        await inTurn { await self.read(.signal, await self.look()) }
    }

    /// Looks at the files until the task is cancelled, and reads everything again where they have changed.
    func keepLooking(every interval: Duration, clock: any Clock<Duration> = EventLoopClock()) async {
        while true {
            let time = changes.areUnsettled ? min(interval, Self.pause) : interval
            do {
                try await clock.sleep(for: time)
            } catch {
                return
            }
            await inTurn { await self.lookAgain() }
        }
    }

    private func lookAgain() async {
        let found = await look()
        if changes.look(found) {
            await read(.change, found)
        } else if hasFailed, !changes.areUnsettled {
            // What failed may have been the reading, for want of a descriptor: nothing that a look finds then.
            await read(.retry, found)
        }
    }

    /// - Parameter found: by a look before: what changes since is found by the next one.
    private func read(_ occasion: ReloadOccasion, _ found: FileContents) async {
        changes.areRead(found)
        hasFailed = await !reload(occasion)
    }

    private func inTurn(_ body: @escaping @Sendable () async -> Void) async {
        let turn = Task { [last] in
            await last?.value
            await body()
        }
        last = turn
        await turn.value
    }
}

@available(freshet 0.1, *)
extension FileContents {
    /// Looks at these files on a thread that no connection waits for: their disk may be another machine's.
    static func onItsOwnThread(_ paths: [String]) async -> FileContents {
        // The pool is the process's own and is never shut down.
        (try? await NIOThreadPool.singleton.runIfActive { FileContents(of: paths) }) ?? FileContents(of: paths)
    }
}
