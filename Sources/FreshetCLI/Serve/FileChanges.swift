import FreshetServer

/// Which looks at files find that they are to be read again.
///
/// A change counts when two looks in a row have found the same: a file that is being written is left alone.
@available(freshet 0.1, *)
struct FileChanges: Sendable {
    /// What they held when they were last read.
    private var read: FileContents
    /// What the last look found instead; nil where it found that.
    private var found: FileContents?

    init(since read: FileContents) {
        self.read = read
    }

    /// Whether something else was found, which the next look may find to count.
    var areUnsettled: Bool { found != nil }

    /// Whether they are to be read again.
    mutating func look(_ now: FileContents) -> Bool {
        guard now != read else {
            found = nil
            return false
        }
        guard now != found else { return true }
        found = now
        return false
    }

    /// They are read, as they are after this look or later.
    mutating func areRead(_ now: FileContents) {
        read = now
        found = nil
    }
}
