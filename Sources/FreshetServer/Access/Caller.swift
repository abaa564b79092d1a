package import StreamCore

/// Who sent a request, as far as the server knows, and what that gives.
@available(freshet 0.1, *)
package struct Caller: Sendable, Equatable {
    /// Rights on the streams of some prefixes.
    package struct Grant: Sendable, Equatable {
        package var rights: Rights
        package var prefixes: [StreamPrefix]

        package init(_ rights: Rights, _ prefixes: [StreamPrefix]) {
            self.rights = rights
            self.prefixes = prefixes
        }
    }

    /// The key's name in the keys file, or the issuer and the subject of a token, which no name of a key looks like. It
    /// is fit for a log, the key is not.
    package var name: String
    package var grants: [Grant]

    package init(name: String, grants: [Grant]) {
        self.name = name
        self.grants = grants
    }

    /// Whether every one of these rights is held on this stream, from one grant or from several together.
    package func may(_ rights: Rights, _ stream: String) -> Bool {
        var held: Rights = []
        for grant in grants where grant.prefixes.contains(where: { $0.covers(stream) }) {
            held.formUnion(grant.rights)
        }
        return held.isSuperset(of: rights)
    }

    /// The streams on which a right is held.
    package func names(with right: Rights) -> NameRanges {
        let held = grants.filter { $0.rights.isSuperset(of: right) }.flatMap(\.prefixes)
        return NameRanges(
            prefixes: held.filter { !$0.isWhole }.map(\.text),
            names: held.filter(\.isWhole).map(\.text)
        )
    }
}
