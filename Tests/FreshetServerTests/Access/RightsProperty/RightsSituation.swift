import Foundation
import StoreSuite

/// Streams that are there, somebody with some rights, and what he asks for: all of it from one number.
struct RightsSituation: Sendable, CustomStringConvertible {
    enum Credential: Sendable {
        case key, token
    }

    enum Session: Sendable {
        /// The credential itself is shown.
        case none
        /// Nothing was asked of it.
        case plain
        case narrowed([WrittenGrant])
    }

    var seed: UInt64
    var existing: [String] = []
    var forks: [(name: String, source: String)] = []
    var credential: Credential
    var grants: [WrittenGrant] = []
    var session = Session.none
    var asks: [RightsAsk] = []

    /// Names of which one is nearly another, for eyes, for prefixes, for decoders and for what compares characters.
    static let names = [
        "answers", "answers/4", "answers/42", "answers/420", "answers/42/a", "answers/42.", "answers/42%2Fa",
        "answers%2F42", "answers.42", "Answers/42", "answer", "users/u42/a", "users/u42/a/b", "users/u420/a",
        "users/u4/a", "users/u42", "users/*/a", "users/%2E%2E/a", "users/%252E%252E/a", "users/u42%2Fa/a",
        "users/u42%252Fa/a", "caf\u{E9}/1", "cafe\u{301}/1", "caf", "rooms/7", "rooms/7/x", "rooms/70",
        "a", "a/b", "a%2F", "a.b", "a..b", "...", "x y", "x+y", "x&y=z", "x?y", "x#y", "odd", "odd*", "odd*x", "*",
        "{sub}",
        "\u{1F600}/1", "\u{1F600}", "answers\u{200B}/42", "relay/answer", "\u{301}a", "__freshet/secret", "__freshet",
    ].filter(RightsHolder.isName)

    private static let noNames = [
        "", "/", "answers//42", "/answers/42", "answers/42/", "answers/./42", "answers/../answers/42", "..", ".",
        "answers/42\u{0}", "answers/42\n", "answers\u{7F}",
    ]

    private static let rights = ["create", "append", "end", "cancel", "read", "delete", "inspect", "all"]

    private static let templates = [
        "users/{sub}/", "users/{sub}/*", "users/{sub}/a*", "users/{sub}", "rooms/{room}", "{sub}", "{sub}/",
        "{room}/{sub}/",
        "answers/{sub}",
    ]

    private static let claims = [
        "u42", "u4", "42", "7", "a", "answers", "*", "", ".", "..", "u42/a", "u42%2Fa", "%2E%2E", "caf\u{E9}",
        "cafe\u{301}", "u42\u{7}", "\u{FFFD}", "{sub}", "answers/42",
    ]

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed: seed)
        credential = Bool.random(using: &random) ? .key : .token
        existing = Self.names.filter { _ in Int.random(in: 0..<5, using: &random) > 1 }
        for number in 0..<Int.random(in: 0...2, using: &random) {
            guard let source = existing.filter({ !$0.hasPrefix("__freshet/") }).randomElement(using: &random) else {
                continue
            }
            forks.append(("answers/fork\(number)", source))
        }
        for _ in 0..<Int.random(in: 1...4, using: &random) { grants.append(grant(&random)) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: session = .plain
        case 1, 2: session = .narrowed((0..<Int.random(in: 1...2, using: &random)).map { _ in wish(&random) })
        default: break
        }
        let held = Self.names.filter { name in
            grants.contains { $0.gives($0.right == "all" ? "read" : $0.right, on: name) }
        }
        asks = (0..<40).map { _ in ask(held, &random) }
    }

    private func grant(_ random: inout SeededRandom) -> WrittenGrant {
        let right = Self.pick(Self.rights, &random)
        guard credential == .token else {
            return WrittenGrant(
                right: right,
                pattern: .keysFile(Self.pattern(&random) { !$0.contains(" ") && !$0.hasPrefix("#") })
            )
        }
        guard Int.random(in: 0..<4, using: &random) == 0 else {
            return WrittenGrant(right: right, pattern: .token(Self.pattern(&random)))
        }
        var claims: [String: String] = [:]
        for name in ["sub", "room"] where Int.random(in: 0..<8, using: &random) > 0 {
            claims[name] = Self.pick(Self.claims, &random)
        }
        return WrittenGrant(right: right, pattern: .template(Self.pick(Self.templates, &random), claims))
    }

    /// Mostly something that its credential has.
    private func wish(_ random: inout SeededRandom) -> WrittenGrant {
        let right = Self.pick(grants, &random).right
        let held = Self.names.filter { name in
            Self.isPattern(name) && grants.contains { $0.gives(right == "all" ? "read" : right, on: name) }
        }
        if Int.random(in: 0..<5, using: &random) == 0 { return WrittenGrant(right: right, pattern: .everywhere) }
        guard let name = held.randomElement(using: &random), Int.random(in: 0..<5, using: &random) > 0 else {
            return WrittenGrant(right: right, pattern: .token(Self.pattern(&random)))
        }
        return WrittenGrant(right: right, pattern: .token(Self.varied(name, &random)))
    }

    /// A pattern that is about one of the names, or nearly.
    private static func pattern(_ random: inout SeededRandom, _ isAllowed: (String) -> Bool = { _ in true }) -> String {
        while true {
            let pattern = varied(pick(names, &random), &random)
            if isPattern(pattern), isAllowed(pattern) { return pattern }
        }
    }

    private static func varied(_ name: String, _ random: inout SeededRandom) -> String {
        let scalars = name.unicodeScalars
        let cut = String(String.UnicodeScalarView(scalars.prefix(Int.random(in: 0...scalars.count, using: &random))))
        let parent = name.split(separator: "/").first.map(String.init) ?? name
        let pattern =
            switch Int.random(in: 0..<16, using: &random) {
            case 0...5: name
            case 6: name + "*"
            case 7: name + "/"
            case 8, 9: parent + "/"
            case 10: parent + "/*"
            case 11: cut
            case 12, 13: cut + "*"
            case 14: "*"
            default: other(name)
            }
        return isPattern(pattern) ? pattern : "answers/42"
    }

    /// What it is easily taken for.
    private static func other(_ name: String) -> String {
        let composed = name.precomposedStringWithCanonicalMapping
        return composed.utf8.elementsEqual(name.utf8) ? name.decomposedStringWithCanonicalMapping : composed
    }

    private static func isPattern(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.dropLast().contains(UInt8(ascii: "*")) && text.utf8.first != UInt8(ascii: "/")
    }

    private func ask(_ held: [String], _ random: inout SeededRandom) -> RightsAsk {
        let way = Self.pick(RightsAsk.Way.allCases, &random)
        let isList = way == .list || way == .search
        return RightsAsk(
            way: way,
            name: name(held, &random),
            other: isList ? Self.beginning(of: name(held, &random), &random) : name(held, &random),
            limit: Int.random(in: 1...7, using: &random),
            spelling: random.next()
        )
    }

    /// Often one of those on which there is a right.
    private func name(_ held: [String], _ random: inout SeededRandom) -> String {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return Self.pick(Self.noNames, &random)
        case 1, 2: return Self.pick(Self.names, &random) + Self.pick(["0", "/a", "\u{301}", "%", " "], &random)
        case 3...9: return held.randomElement(using: &random) ?? Self.pick(Self.names, &random)
        case 10: return forks.randomElement(using: &random)?.name ?? Self.pick(Self.names, &random)
        case 11: return Self.other(Self.pick(Self.names, &random))
        default: return Self.pick(Self.names, &random)
        }
    }

    private static func beginning(of name: String, _ random: inout SeededRandom) -> String {
        let scalars = name.unicodeScalars
        return String(
            String.UnicodeScalarView(scalars.prefix(Int.random(in: 0...min(4, scalars.count), using: &random)))
        )
    }

    /// One of some, of which there is at least one.
    static func pick<Element>(_ some: [Element], _ random: inout SeededRandom) -> Element {
        some[Int.random(in: 0..<some.count, using: &random)]
    }

    var description: String {
        let shown =
            switch session {
            case .none: "shown itself"
            case .plain: "by a session"
            case .narrowed(let wish): "by a session for \(wish)"
            }
        return "seed \(seed): a \(credential) with \(grants), \(shown); streams \(existing.map(\.debugDescription)), "
            + "forks \(forks.map { "\($0.name) of \($0.source.debugDescription)" }); asks:\n"
            + asks.map { "  \($0)" }.joined(separator: "\n")
    }
}
