/// The value of a setting as somebody wrote it, before it is known to make sense.
@available(freshet 0.1, *)
package enum WrittenValue: Sendable, Equatable {
    case text(String)
    case list([String])
    /// YAML's `null`, and a key with nothing after it.
    case null
    /// A list of YAML mappings of names to a text or a list of texts.
    case blocks([Block])
    /// A YAML mapping, or a list of something other than that. No setting has such a value.
    case nested

    /// The members of a mapping, in their order.
    package struct Block: Sendable, Equatable {
        package var members: [Member]

        package struct Member: Sendable, Equatable {
            package var name: String
            package var values: [String]
        }
    }
}

/// A value, what it is for, and where it was written.
@available(freshet 0.1, *)
struct WrittenSetting: Sendable, Equatable {
    enum Source: Sendable, Equatable {
        case file, environment, flag
    }

    /// The setting's name, or the one it had before.
    var name: String
    var value: WrittenValue
    var source: Source
    /// For a message: `--port`, `FRESHET_PORT`, `freshet.yaml:7: port`.
    var place: String
}
