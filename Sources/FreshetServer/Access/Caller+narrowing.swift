import TextCodecs

@available(freshet 0.1, *)
extension Caller {
    /// The rights that are in both.
    func narrowed(to others: [Grant]) -> Caller {
        var both: [Grant] = []
        for own in grants {
            for other in others {
                let rights = own.rights.intersection(other.rights)
                let prefixes = own.prefixes.flatMap { prefix in other.prefixes.compactMap(prefix.intersection) }
                if !rights.isEmpty, !prefixes.isEmpty { both.append(Grant(rights, prefixes)) }
            }
        }
        return Caller(name: name, grants: both)
    }

    /// Whether one of some rights is held on some name.
    func holdsAny(of rights: Rights) -> Bool {
        grants.contains { !$0.rights.isDisjoint(with: rights) && !$0.prefixes.isEmpty }
    }

    /// Whether every one of some rights is held on all of what a pattern stands for, each by one grant.
    func holds(_ rights: Rights, on pattern: StreamPrefix) -> Bool {
        Rights.named.allSatisfy { _, right in
            !rights.contains(right)
                || grants.contains { $0.rights.contains(right) && $0.prefixes.contains { $0.contains(pattern) } }
        }
    }
}

@available(freshet 0.1, *)
extension StreamPrefix {
    /// Whether all streams of the other are among its own.
    func contains(_ other: StreamPrefix) -> Bool {
        isWhole ? other.isWhole && other.text.hasBytes(of: text) : other.text.begins(withBytesOf: text)
    }

    /// The streams that are in both: those of one of them, or none.
    func intersection(_ other: StreamPrefix) -> StreamPrefix? {
        if contains(other) { return other }
        return other.contains(self) ? self : nil
    }
}
