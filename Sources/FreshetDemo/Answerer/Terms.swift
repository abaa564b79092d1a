/// The words of a text as a search compares them: lower case, without those that say nothing, cut to their stems.
@available(freshet 0.1, *)
enum Terms {
    static func of(_ text: some StringProtocol) -> [String] {
        words(of: text).filter { !silent.contains($0) }.map { stem(synonyms[$0] ?? $0) }
    }

    /// All words, in their order and as they stand, in lower case.
    static func words(of text: some StringProtocol) -> [String] {
        text.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }).map(String.init)
    }

    /// A few endings of English, so that "proxies", "buffered" and "stopping" meet "proxy", "buffer" and "stop".
    static func stem(_ word: String) -> String {
        var word = word
        if word.count > 4, word.hasSuffix("ies") {
            word.removeLast(3)
            return word + "y"
        }
        for ending in ["ing", "ed", "es", "s", "ly"] where word.count > ending.count + 2 && word.hasSuffix(ending) {
            if ending == "s", word.hasSuffix("ss") || word.hasSuffix("us") { continue }
            word.removeLast(ending.count)
            if ending == "ing" || ending == "ed" { word = withoutDoubling(word) }
            break
        }
        if word.count > 3, word.hasSuffix("e") { word.removeLast() }
        return word
    }

    /// "stopp" is "stop", but "compress" stays as it is.
    private static func withoutDoubling(_ word: String) -> String {
        guard let last = word.last, word.dropLast().last == last, !"sz".contains(last) else { return word }
        return String(word.dropLast())
    }

    /// What people say, and what the documentation calls it.
    private static let synonyms = [
        "lost": "lose", "loses": "lose", "losing": "lose", "loss": "lose",
        "refresh": "reload", "refreshing": "reload", "refreshed": "reload", "f5": "reload",
        "sse": "sse", "websockets": "websocket", "ws": "websocket",
        "crashed": "crash", "dies": "crash", "died": "crash", "dead": "crash", "die": "crash",
        "abort": "cancel", "kill": "cancel", "slowly": "slow", "sent": "send", "wrote": "write", "written": "write",
        "mobile": "phone", "iphone": "phone", "android": "phone", "hi": "hello", "hey": "hello",
        "safe": "secure", "security": "secure", "safely": "secure", "gzip": "compress", "brotli": "compress",
        "compression": "compress", "authentication": "authenticate", "auth": "authenticate", "login": "authenticate",
        "fails": "fail", "failure": "fail", "failed": "fail", "utf8": "utf", "k8s": "kubernetes",
    ]

    private static let silent: Set<String> = [
        "a", "about", "after", "all", "am", "an", "and", "any", "are", "as", "at", "be", "but", "by", "can", "could",
        "did", "do", "does", "for", "from", "get", "gets", "had", "has", "have", "how", "i", "if", "in", "into", "is",
        "it", "its", "just", "let", "like", "many", "may", "me", "much", "must", "my", "no", "not", "of", "on", "or",
        "our", "please", "s", "should", "so", "some", "t", "tell", "than", "that", "the", "their", "them", "then",
        "there", "these", "they", "this", "to", "up", "use", "using", "was", "we", "what", "when", "where", "which",
        "who", "why", "will", "with", "work", "works", "would", "you", "your", "explain", "happen", "happens", "mean",
        "need", "want", "know", "thing", "things", "really", "very", "one", "don",
    ]
}
