/// A validated value as a token of one configuration syntax, or within its quotation marks.
///
/// `PathPrefix` leaves out whitespace, quotation marks of all kinds, backslashes, `#`, `{` and `}`; what each syntax
/// makes of the rest is here.
@available(freshet 0.1, *)
enum Quoting {
    /// As it stands where every reader sees that it can, in double quotes otherwise. For nginx, Apache and Caddy, whose
    /// double quotes give nothing else of a path a meaning.
    static func doubleQuotedIfOdd(_ text: String) -> String {
        isPlain(text) ? text : "\"\(text)\""
    }

    /// HAProxy replaces `$NAME` within double quotes by the environment (configuration manual, 2.2).
    static func haproxy(_ text: String) -> String {
        isPlain(text) ? text : "\"\(escaping(text, "$"))\""
    }

    /// A YAML scalar in single quotes, where only that quotation mark has a meaning (YAML 1.2, 7.3.2).
    static func yaml(_ text: String) -> String {
        "'\(text)'"
    }

    /// A regular expression that matches the text and nothing else; the same in POSIX and Perl syntax.
    static func regularExpression(_ text: String) -> String {
        escaping(text, ".$()+")
    }

    /// What is in double quotes in Squid's file, where a backslash takes the next character as it stands.
    static func squid(_ text: String) -> String {
        escaping(text, "\\")
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }

    private static func escaping(_ text: String, _ special: String) -> String {
        text.reduce(into: "") { result, character in
            if special.contains(character) { result += "\\" }
            result.append(character)
        }
    }
}
