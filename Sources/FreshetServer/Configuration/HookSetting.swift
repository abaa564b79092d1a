import TextCodecs

/// Somebody who is told when streams end or expire: where, by which secret, and of which streams.
///
/// ```
/// url=https://app.example/freshet secret-file=/etc/freshet/hook-secret prefix=chat/
/// ```
@available(freshet 0.1, *)
package struct HookSetting: Sendable, Hashable, CustomStringConvertible {
    static let form = "hooks, each `url=URL secret-file=FILE prefix=PREFIX … name=NAME`"

    /// What the outbox knows it by, and lists and the log show: as it was set, or its URL without a query.
    package var name: String
    package var url: String
    package var secretFile: String
    /// Of the names of streams; never empty.
    package var prefixes: [StreamPrefix]

    package init(name: String? = nil, url: String, secretFile: String, prefixes: [StreamPrefix]) {
        self.name = name ?? Self.name(of: url)
        self.url = url
        self.secretFile = secretFile
        self.prefixes = prefixes.isEmpty ? [.everything] : prefixes
    }

    /// From words, each `NAME=VALUE`.
    init(parsing text: String) throws(Refusal) {
        try self.init(block: WrittenValue.Block(words: text, ofWhat: "a hook", form: Self.form))
    }

    /// From a mapping.
    init(block: WrittenValue.Block) throws(Refusal) {
        var name: String?
        var url: String?
        var secretFile: String?
        var prefixes: [StreamPrefix] = []
        for member in block.members {
            switch member.name {
            case "name": name = try Self.one(member)
            case "url": url = try Self.checked(url: try Self.one(member))
            case "secret-file": secretFile = try Self.one(member)
            case "prefix":
                for text in member.values.flatMap({ $0.split(separator: ",") }) {
                    prefixes.append(try StreamPrefix(parsing: String(text.trimmingBlanks())))
                }
            default:
                throw Refusal("\"\(member.name)\" says nothing of a hook; write url, secret-file, prefix and name")
            }
        }
        guard let url else { throw Refusal("a hook has no url; write where it is told") }
        guard let secretFile else {
            throw Refusal("the hook \(Self.name(of: url)) has no secret-file; write the file of what it is signed with")
        }
        self.init(name: name, url: url, secretFile: secretFile, prefixes: prefixes)
    }

    /// A URL that can be called.
    static func checked(url text: String) throws(Refusal) -> String {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        let rest = text.dropFirst(scheme.count)
        let authority = String(rest.dropFirst(3).prefix { $0 != "/" && $0 != "?" })
        guard scheme == "http" || scheme == "https", rest.hasPrefix("://"), Authority(parsing: authority) != nil,
            text.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") })
        else {
            throw Refusal(
                "\"\(text)\" is not an address to call; write http://host[:port][/path] or https://…, without a user and #"
            )
        }
        return text
    }

    /// The URL without a query, which may hold a secret.
    private static func name(of url: String) -> String { String(url.prefix { $0 != "?" }) }

    private static func one(_ member: WrittenValue.Block.Member) throws(Refusal) -> String {
        guard let value = member.values.first, !value.isEmpty, member.values.count == 1 else {
            throw Refusal("\(member.name) of a hook is one value that is not empty; it has \(member.values.count)")
        }
        return value
    }

    package var description: String {
        var words = ["url=\(url)", "secret-file=\(secretFile)"]
        if prefixes != [.everything] { words += prefixes.map { "prefix=\($0)" } }
        if name != Self.name(of: url) { words.append("name=\(name)") }
        return words.joined(separator: " ")
    }
}

@available(freshet 0.1, *)
extension WrittenValue.Block {
    /// From words, each `NAME=VALUE`; what is named twice has several values.
    init(words text: String, ofWhat what: String, form: String) throws(Refusal) {
        members = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            guard let equals = word.firstIndex(of: "=") else {
                throw Refusal("\"\(word)\" says nothing of \(what); write \(form)")
            }
            let (name, value) = (String(word[..<equals]), String(word[word.index(after: equals)...]))
            if let index = members.firstIndex(where: { $0.name == name }) {
                members[index].values.append(value)
            } else {
                members.append(Member(name: name, values: [value]))
            }
        }
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Who is told of ends: the one of the settings of one hook, and those of the list.
    package var toldHooks: [HookSetting] {
        guard let url = self.hook, let file = self.hookSecretFile else { return self.hooks }
        return [HookSetting(url: url, secretFile: file, prefixes: StreamPrefix.all(self.hookPrefix))] + self.hooks
    }

    /// What is wrong with settings of hooks together.
    func hookContradictions() -> [String] {
        var found: [String] = []
        switch (self.hook, self.hookSecretFile) {
        case (.some, nil):
            found.append("hook-secret-file: there is a hook. Set the file of the secret that it is signed with")
        case (nil, .some): found.append("hook: there is a secret of one. Set hook to the URL that is called")
        case (nil, nil) where !self.hookPrefix.isEmpty:
            found.append("hook: there is a prefix of one. Set hook to the URL that is called")
        case (.some, .some), (nil, nil): break
        }
        let hooks = toldHooks
        for (index, hook) in hooks.enumerated() where hooks[..<index].contains(where: { $0.name == hook.name }) {
            found.append("hooks: two are named \(hook.name). Give one of them another name, or make them one")
        }
        return found
    }
}
