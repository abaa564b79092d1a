import StreamCore

extension Page {
    /// What its events count against a bound on bytes.
    var size: Int { events.reduce(0) { $0 + $1.body.size } }
}

extension CommittedItem {
    /// What its events count against a bound on bytes.
    var size: Int { events.reduce(0) { $0 + $1.body.size } }
}
