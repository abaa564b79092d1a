import PartialJSON

extension JSONValue {
    /// Whether this is `earlier` with more at its end, and nothing that `earlier` said is different.
    func continues(_ earlier: JSONValue) -> Bool {
        if earlier.isComplete { return self == earlier && isComplete }
        switch (earlier, self) {
        case (.string(let earlier), .string(let later)):
            return later.text.utf8.starts(with: earlier.text.utf8)
        case (.array(let earlier), .array(let later)):
            return later.count >= earlier.count && zip(earlier, later).allSatisfy { $1.continues($0) }
        case (.object(let earlier), .object(let later)):
            return later.count >= earlier.count
                && zip(earlier, later).allSatisfy { $0.key == $1.key && $1.value.continues($0.value) }
        default:
            return false
        }
    }
}
