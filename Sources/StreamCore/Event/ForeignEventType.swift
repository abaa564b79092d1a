/// The types of events that come from another protocol, which may be named like Freshet's own.
///
/// Such a type is kept behind a prefix, so that nobody takes the event for one of Freshet's, and shown without it to
/// whoever reads the other protocol. A type that begins with the prefix gets another, so that nothing is ambiguous.
@available(freshet 0.1, *)
package enum ForeignEventType {
    package static let prefix = "upstream:"

    /// How a type is kept; nil is `message`. A NUL, which no event can be written with, becomes U+FFFD.
    package static func kept(_ type: String) -> String? {
        guard type != "message", !type.isEmpty else { return nil }
        let type =
            type.utf8.contains(0)
            ? type.split(separator: "\0", omittingEmptySubsequences: false).joined(separator: "\u{FFFD}") : type
        let isTaken = ReservedEventType(rawValue: type) != nil || type.utf8.starts(with: prefix.utf8)
        return isTaken ? prefix + type : type
    }

    /// A kept type as the other protocol has it.
    package static func shown(_ type: String) -> String {
        type.utf8.starts(with: prefix.utf8) ? String(type.dropFirst(prefix.count)) : type
    }
}
