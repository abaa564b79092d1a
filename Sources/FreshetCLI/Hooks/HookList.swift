import PrintableText

/// The hooks of a server and the calls that they have not taken, as it returns them.
@available(freshet 0.1, *)
struct HookList: Decodable, Equatable {
    struct Hook: Decodable, Equatable {
        var name: String
        var prefixes: [String]
        var disabled: Bool
        var waiting: Int
        var delivered: Int
        var failed: Int
        var trouble: String?
    }

    struct Call: Decodable, Equatable {
        var number: Int64
        var hook: String
        var state: String
        var stream: String
        var reason: String
        var recorded: String
        var trouble: String?
    }

    var hooks: [Hook]
    /// Calls that have not succeeded yet, and those of them that are tried no more.
    var entries: Int
    var dead: Int
    var calls: [Call]
    var next: String?

    /// A line for each hook, and one for each call, with its number first.
    static func text(_ list: HookList, _ calls: [Call]) -> String {
        var lines = list.hooks.map { hook in
            let state = hook.disabled ? "disabled" : hook.trouble == nil ? "ok" : "failing"
            let counts = "\(hook.delivered) delivered, \(hook.failed) failed, \(hook.waiting) waiting"
            return line([hook.name, hook.prefixes.joined(separator: " "), state, counts, hook.trouble])
        }
        lines.append("\(list.entries) calls not taken yet, \(list.dead) of them tried no more\n")
        lines += calls.map { call in
            line(["\(call.number)", call.state, call.stream, call.reason, call.recorded, call.hook, call.trouble])
        }
        return lines.joined()
    }

    private static func line(_ words: [String?]) -> String {
        words.compactMap(\.self).map { PrintableText.escaped($0) }.joined(separator: "\t") + "\n"
    }
}
