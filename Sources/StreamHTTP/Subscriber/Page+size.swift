import StreamCore

@available(freshet 0.1, *)
extension Page {
    /// What its events count against a bound on bytes.
    var size: Int { events.reduce(0) { $0 + $1.body.size } }
}

@available(freshet 0.1, *)
extension CommittedItem {
    /// What its events count against a bound on bytes.
    var size: Int { events.reduce(0) { $0 + $1.body.size } }
}
