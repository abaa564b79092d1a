import Foundation
import Yams

/// A YAML file of settings: one mapping of names to values.
@available(freshet 0.1, *)
package struct ConfigurationFile: Sendable {
    /// Its name for messages.
    package var name: String
    package var text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// - Throws: `ConfigurationError` if it cannot be read or is not UTF-8.
    package init(path: String) throws(ConfigurationError) {
        do {
            self.init(name: path, text: try String(contentsOfFile: path, encoding: .utf8))
        } catch {
            throw ConfigurationError(["\(path): the configuration file cannot be read: \(error.localizedDescription)"])
        }
    }

    /// What is written in it, in its order, for names known or not.
    func written() throws(ConfigurationError) -> [WrittenSetting] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ConfigurationError(["\(name): \(Self.reason(error))"])
        }
        guard let root, !Self.isNull(root) else {
            return []
        }
        guard let mapping = root.mapping else {
            throw ConfigurationError(["\(name): the file is not a mapping; write one `name: value` a line"])
        }
        return mapping.map { key, value in
            let line = key.mark.map { ":\($0.line)" } ?? ""
            let written = key.scalar?.string ?? "a key that is not a text"
            return WrittenSetting(
                name: written,
                value: Self.value(value),
                source: .file,
                place: "\(name)\(line): \(written)"
            )
        }
    }

    private static func value(_ node: Node) -> WrittenValue {
        if isNull(node) {
            return .null
        }
        if let scalar = node.scalar {
            return .text(scalar.string)
        }
        guard let elements = node.sequence else { return .nested }
        let texts = elements.compactMap(text)
        if texts.count == elements.count { return .list(texts) }
        let blocks = elements.compactMap(block)
        return blocks.count == elements.count ? .blocks(blocks) : .nested
    }

    private static func text(_ node: Node) -> String? { isNull(node) ? nil : node.scalar?.string }

    private static func block(_ node: Node) -> WrittenValue.Block? {
        guard let mapping = node.mapping else { return nil }
        let members = mapping.compactMap { key, value -> WrittenValue.Block.Member? in
            guard let name = key.scalar?.string else { return nil }
            if let text = text(value) { return WrittenValue.Block.Member(name: name, values: [text]) }
            guard let elements = value.sequence else { return nil }
            let texts = elements.compactMap(text)
            return texts.count == elements.count ? WrittenValue.Block.Member(name: name, values: texts) : nil
        }
        return members.count == mapping.count ? WrittenValue.Block(members: members) : nil
    }

    private static func isNull(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style == .plain else {
            return false
        }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// Yams's own description of a double key quotes the whole file.
    private static func reason(_ error: any Error) -> String {
        if case .duplicatedKeysInMapping(let duplicates, let context)? = error as? YamlError {
            return "line \(context.mark.line): \(duplicates.joined(separator: ", ")) is written twice; keep one of them"
        }
        return String(describing: error)
    }
}
