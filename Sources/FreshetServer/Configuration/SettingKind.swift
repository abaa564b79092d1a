import Logging
import TextCodecs

/// What the value of a setting may be: how it is read, shown, and described.
@available(freshet 0.1, *)
package struct SettingKind<Value: Sendable>: Sendable {
    /// The value's name in a usage line: `seconds`, `path`.
    let placeholder: String
    /// What is allowed, after "is not": `a whole number from 0 to 65535`.
    let allowed: String
    let parse: @Sendable (WrittenValue) throws(Refusal) -> Value
    let show: @Sendable (Value) -> String
    /// The members of a list; nil for a kind that is one value.
    let members: (@Sendable (Value) -> [String])?

    init(
        _ placeholder: String,
        allowed: String,
        parse: @escaping @Sendable (WrittenValue) throws(Refusal) -> Value,
        show: @escaping @Sendable (Value) -> String
    ) {
        self.placeholder = placeholder
        self.allowed = allowed
        self.parse = parse
        self.show = show
        members = nil
    }

    /// A list, of which each member is written as one text, or in a file as a mapping where `block` reads one.
    init<Member: Sendable>(
        listOf members: String,
        _ placeholder: String,
        block: (@Sendable (WrittenValue.Block) throws(Refusal) -> Member)? = nil,
        parse: @escaping @Sendable (String) throws(Refusal) -> Member,
        show: @escaping @Sendable (Member) -> String
    ) where Value == [Member] {
        self.placeholder = placeholder
        allowed = "a list of \(members)"
        self.parse = { written throws(Refusal) in
            var members: [Member] = []
            if let block, case .blocks(let blocks) = written {
                for written in blocks { members.append(try block(written)) }
                return members
            }
            for text in try written.texts() {
                members.append(try parse(text))
            }
            return members
        }
        self.show = { $0.map(show).joined(separator: ",") }
        self.members = { $0.map(show) }
    }

    /// A kind written as one text; nil from `read` means that it is not what is allowed.
    init(
        _ placeholder: String,
        allowed: String,
        text read: @escaping @Sendable (String) -> Value?,
        show: @escaping @Sendable (Value) -> String
    ) {
        self.init(
            placeholder,
            allowed: allowed,
            parse: { written throws(Refusal) in
                let text = try written.text(for: allowed)
                guard let value = read(text) else {
                    throw Refusal("\"\(text)\" is not \(allowed)")
                }
                return value
            },
            show: show
        )
    }

    /// A value as somebody could have written it.
    func written(_ value: Value) -> WrittenValue {
        members.map { .list($0(value)) } ?? .text(show(value))
    }

    /// The same kind, where one more word means that there is no value.
    func orNil(_ word: String, meaning: String) -> SettingKind<Value?> {
        SettingKind<Value?>(
            placeholder,
            allowed: "\(allowed), or \(word) for \(meaning)",
            parse: { written throws(Refusal) in
                if written == .text(word) || written == .null {
                    return nil
                }
                return try parse(written)
            },
            show: { $0.map(show) ?? word }
        )
    }
}

@available(freshet 0.1, *)
extension WrittenValue {
    func text(for allowed: String) throws(Refusal) -> String {
        switch self {
        case .text(let text): return text
        case .list: throw Refusal("a list is written where one value is wanted: \(allowed)")
        case .nested, .blocks: throw Refusal("a mapping is written where one value is wanted: \(allowed)")
        case .null: throw Refusal("there is no value; write \(allowed), or take the setting out")
        }
    }

    /// The members of a list; one text holds them separated by commas.
    func texts() throws(Refusal) -> [String] {
        switch self {
        case .text(let text):
            return text.split(separator: ",").map { String($0.trimmingBlanks()) }
        case .list(let texts): return texts
        case .nested, .blocks:
            throw Refusal("something other than a list of texts is written where such a list is wanted")
        case .null: throw Refusal("there is no value; write a list, or take the setting out")
        }
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == Bool {
    static var toggle: SettingKind {
        SettingKind(
            "true|false",
            allowed: "true or false",
            text: { text in
                switch text.lowercased() {
                case "true", "yes", "on", "1": true
                case "false", "no", "off", "0": false
                default: nil
                }
            },
            show: { String($0) }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == Int {
    static func whole(_ range: ClosedRange<Int>, _ placeholder: String = "number") -> SettingKind {
        SettingKind(
            placeholder,
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            text: { text in DecimalText.whole(text.utf8[...]).flatMap { range.contains($0) ? $0 : nil } },
            show: { String($0) }
        )
    }

    /// A size in bytes, plain or with `KiB`, `MiB` or `GiB`.
    static func bytes(_ range: ClosedRange<Int>) -> SettingKind {
        SettingKind(
            "bytes",
            allowed: "a size from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound)), "
                + "in bytes or with KiB, MiB or GiB",
            text: { text in ByteSize.parse(text).flatMap { range.contains($0) ? $0 : nil } },
            show: ByteSize.text
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == Duration {
    static func seconds(_ range: ClosedRange<Duration>) -> SettingKind {
        SettingKind(
            "seconds",
            allowed:
                "a number of seconds from \(DecimalText.seconds(range.lowerBound)) to \(DecimalText.seconds(range.upperBound))",
            text: { text in DecimalText.seconds(text).flatMap { range.contains($0) ? $0 : nil } },
            show: DecimalText.seconds
        )
    }

    static func milliseconds(_ range: ClosedRange<Int>) -> SettingKind {
        let whole = SettingKind<Int>.whole(range, "milliseconds")
        return SettingKind(
            whole.placeholder,
            allowed: "\(whole.allowed), in milliseconds",
            parse: { written throws(Refusal) in .milliseconds(try whole.parse(written)) },
            show: { String(DecimalText.milliseconds($0)) }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == LogFormat {
    static var logFormat: SettingKind {
        SettingKind("text|json", allowed: "text or json", text: { LogFormat(rawValue: $0) }, show: \.rawValue)
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == Logger.Level {
    static var logLevel: SettingKind {
        SettingKind(
            "level",
            allowed: "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))",
            text: { Logger.Level(rawValue: $0.lowercased()) },
            show: \.rawValue
        )
    }
}
