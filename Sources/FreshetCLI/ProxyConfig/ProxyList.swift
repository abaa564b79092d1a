import ProxyConfiguration

/// The proxies for a terminal: name, how its configuration was verified, and what goes wrong without it.
@available(freshet 0.1, *)
struct ProxyList {
    private static let width = 100
    private static let indent = "    "

    static func text() -> String {
        Proxy.allCases.map { proxy in
            "\(proxy.rawValue)  (\(proxy.title), \(proxy.verification.rawValue))\n"
                + proxy.defaults.map { "\(indent)- " + wrapped($0, indent: indent + "  ") + "\n" }.joined()
        }.joined(separator: "\n")
    }

    private static func wrapped(_ text: String, indent: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].isEmpty {
                lines[lines.count - 1] += word
            } else if indent.count + lines[lines.count - 1].count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.joined(separator: "\n" + indent)
    }
}
