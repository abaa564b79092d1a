/// What a caller may do with a stream. Every right is its own: who may append may not read unless a key says so.
@available(freshet 0.1, *)
package struct Rights: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// `PUT`, and a `POST` that creates under a configured prefix.
    package static let create = Rights(rawValue: 1 << 0)
    /// `POST` with a body, and `Stream-Lease`.
    package static let append = Rights(rawValue: 1 << 1)
    /// `Stream-Closed: true`.
    package static let end = Rights(rawValue: 1 << 2)
    /// `Stream-Cancel: true`.
    package static let cancel = Rights(rawValue: 1 << 3)
    /// `GET` and `HEAD`.
    package static let read = Rights(rawValue: 1 << 4)
    /// `DELETE`.
    package static let delete = Rights(rawValue: 1 << 5)
    /// What goes on with it, for operators: who reads it, from where, and the node's numbers.
    package static let inspect = Rights(rawValue: 1 << 6)

    /// Everything that can be done with a stream. Who reads it is for those to know whose key says so: keys from
    /// before there was `inspect` do not gain it.
    package static let all: Rights = [.create, .append, .end, .cancel, .read, .delete]

    /// Every right with the name it has in a keys file.
    package static let named: [(name: String, right: Rights)] = [
        ("create", .create), ("append", .append), ("end", .end),
        ("cancel", .cancel), ("read", .read), ("delete", .delete), ("inspect", .inspect),
    ]

    /// The rights a name stands for: one right, or `all`.
    package init?(name: String) {
        if name == "all" {
            self = .all
        } else if let right = Self.named.first(where: { $0.name == name })?.right {
            self = right
        } else {
            return nil
        }
    }

    /// The names of the rights in it, in the order of `named`.
    package var names: [String] {
        Self.named.filter { contains($0.right) }.map(\.name)
    }
}

@available(freshet 0.1, *)
extension Rights: CustomStringConvertible {
    package var description: String {
        let beyond = subtracting(.all).names
        return (isSuperset(of: .all) ? ["all"] + beyond : names).joined(separator: ",")
    }
}
