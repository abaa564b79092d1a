/// How long a commit waits for company.
///
/// An append that comes alone is committed at once. While others arrive during a commit, the next one waits as long
/// as the last one took, so that what arrives meanwhile shares its sync; never longer than a bound.
@available(freshet 0.1, *)
struct GroupWindow {
    let longest: Duration
    private(set) var isLoaded = false
    private var lastDuration: Duration = .zero

    init(longest: Duration) {
        self.longest = longest
    }

    /// What to wait before the next commit.
    var wait: Duration { isLoaded ? min(lastDuration, longest) : .zero }

    /// A commit took this long, and more was waiting at its end or not.
    mutating func committed(in duration: Duration, moreWaiting: Bool) {
        lastDuration = duration
        isLoaded = moreWaiting
    }

    mutating func idled() { isLoaded = false }
}
