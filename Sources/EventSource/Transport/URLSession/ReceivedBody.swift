/// What has arrived of a body and was not taken yet, bounded, for a transport that is handed its bytes.
///
/// ```
/// open ──received, below the limit──▶ open
///   ├── received, at the limit ──▶ paused ──take──▶ open       where the sender can be told to pause
///   ├── received, at the limit ──▶ failed                      where it cannot
///   └── finish ──▶ ended or failed, once all is taken
/// ```
@available(freshet 0.1, *)
struct ReceivedBody {
    /// What is done when as many bytes wait as may wait.
    enum WhenFull: Sendable {
        /// Pause what sends. What was on its way comes nevertheless and is kept.
        case pause
        /// Give up.
        case fail
    }

    enum Arrival: Equatable {
        case readOn
        case pause
        case fail
    }

    enum Taken {
        case bytes([UInt8], resumesTask: Bool)
        case wait
        case end
        case failed(any Error)
    }

    let limit: Int
    let whenFull: WhenFull
    private(set) var end: Result<Void, any Error>?
    private var bytes: [UInt8] = []
    private var isPaused = false

    init(limit: Int, whenFull: WhenFull) {
        self.limit = limit
        self.whenFull = whenFull
    }

    /// Bytes of the body. Those that come after its end are dropped.
    mutating func received(_ new: some Sequence<UInt8>) -> Arrival {
        guard end == nil else { return .readOn }
        bytes += new
        guard bytes.count >= limit, !isPaused else { return .readOn }
        switch whenFull {
        case .pause:
            isPaused = true
            return .pause
        case .fail:
            finish(.failure(EventSourceTransportError("its reader fell \(limit >> 20) MiB behind")))
            return .fail
        }
    }

    /// No more bytes will come. What was said first holds.
    mutating func finish(_ result: Result<Void, any Error>) {
        if end == nil { end = result }
    }

    /// All that waits, or what there is instead.
    mutating func take() -> Taken {
        guard bytes.isEmpty else {
            defer {
                bytes = []
                isPaused = false
            }
            return .bytes(bytes, resumesTask: isPaused && end == nil)
        }
        return switch end {
        case nil: .wait
        case .success: .end
        case .failure(let error): .failed(error)
        }
    }
}
