import StreamCore

/// What a node remembers of a claim of its own until it is given back, or learns of another's.
@available(freshet 0.1, *)
struct OwnedClaim: Sendable {
    var name: StreamName
    var kind: StreamClaim.Kind
    var label: String?
    /// Seconds of the lease that it leaves when it is torn, where there is none.
    var tornLeaseSeconds: Int

    init(name: StreamName, kind: StreamClaim.Kind, label: String?, tornLeaseSeconds: Int) {
        self.name = name
        self.kind = kind
        self.label = label
        self.tornLeaseSeconds = tornLeaseSeconds
    }

    init(name: StreamName, kindWord: String) {
        let isAnswer = kindWord == "a"
        self.init(
            name: name,
            kind: isAnswer ? .answer : .streamingAppend,
            label: nil,
            tornLeaseSeconds: isAnswer ? 0 : Int(kindWord.dropFirst()) ?? 0
        )
    }

    /// As the functions have it.
    var kindWord: String { kind == .answer ? "a" : "p\(tornLeaseSeconds)" }
}
