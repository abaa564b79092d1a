import StreamCore

/// The store's clock: milliseconds that go on where the process before stopped, and never step back.
///
/// While a process runs it follows the monotonic clock. Between two processes it moves by what the wall clock moved,
/// unless that stepped back.
@available(freshet 0.1, *)
struct StoreClock: Sendable {
    private let start: Int64
    private let opened: Duration
    private let time: any TimeSource

    init(after head: HeadRow, time: any TimeSource) {
        let wall = time.wallMilliseconds()
        start = head.clock + (head.wall > 0 && wall > head.wall ? Int64(wall - head.wall) : 0)
        opened = time.monotonic()
        self.time = time
    }

    var now: Int64 { start + Int64((time.monotonic() - opened) / .milliseconds(1)) }
}
