/// How long an upstream has said nothing, and whether that is too long. Without a clock of its own.
///
/// Two silences are bounded. No byte may be missing for longer than `idle`: first one of the answer, to which an
/// informational one (1xx) does not belong, then one of its body. And no word for longer than `wordless`, whatever else
/// comes meanwhile: comments and pings keep a connection and say nothing. Time that somebody else takes, a log that is
/// slow or a caller who is, does not count. So there is a bound on the bytes without a word too: who floods them leaves
/// nobody time to do anything but take them. It grows with all the time since the last word, so that a model which
/// thinks in events without text is not cut before its time.
@available(freshet 0.1, *)
struct Silence: Sendable {
    let idle: Duration
    let wordless: Duration
    let wordlessBytes: Int
    private var heard: Duration
    private var spoken: Duration
    /// When the last word came, whoever took time since.
    private var lastWord: Duration
    /// Bytes since the last word, of an answer whose words are not told apart.
    private var bytes = 0
    /// Bytes since the last word, of one whose words are.
    private var empty = 0
    /// Those whom the upstream waits for, and since when there are any.
    private var others = 0
    private var waitsSince = Duration.zero

    /// As many bytes, of an answer whose words are not told apart, are a word: what comes byte by byte says too little.
    static let bytesOfAWord = 1024

    /// So many more bytes without a word may come for each second since the last one.
    static let emptyBytesPerSecond = 128 * 1024

    /// What is asked while the upstream waits for others is asked again no sooner than so.
    private static let shortest = Duration.milliseconds(50)

    init(idle: Duration, wordless: Duration, wordlessBytes: Int, now: Duration) {
        self.idle = idle
        self.wordless = wordless
        self.wordlessBytes = wordlessBytes
        heard = now
        spoken = now
        lastWord = now
    }

    mutating func spoke(at now: Duration) {
        heard = now
        spoken = now
        lastWord = now
        bytes = 0
        empty = 0
    }

    mutating func spoke(bytes count: Int, at now: Duration) {
        bytes += count
        if bytes >= Self.bytesOfAWord { spoke(at: now) }
    }

    /// It sent something that says nothing.
    mutating func saidNothing(bytes count: Int) { empty += count }

    /// From now on it is somebody else who takes time.
    mutating func pause(at now: Duration) {
        if others == 0 { waitsSince = now }
        others += 1
    }

    /// The upstream's turn: it was just heard.
    mutating func resume(at now: Duration) {
        others -= 1
        guard others == 0 else { return }
        heard = now
        spoken = min(now, spoken + (now - waitsSince))
    }

    /// What is left until it is too long, if nothing is said; not positive when it is.
    func remaining(at now: Duration) -> Duration {
        let seconds = max(0, Int((now - lastWord).components.seconds))
        guard empty <= wordlessBytes + Self.emptyBytesPerSecond * seconds else { return .zero }
        // It may be the upstream's turn again at once, with what it had left.
        guard others == 0 else { return max(min(idle, wordless - (waitsSince - spoken)), Self.shortest) }
        return min(idle - (now - heard), wordless - (now - spoken))
    }
}
