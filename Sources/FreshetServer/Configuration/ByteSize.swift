/// A size in bytes as it is written: plain, or in binary multiples.
@available(freshet 0.1, *)
package enum ByteSize {
    private static let units: [(name: String, bytes: Int)] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]

    package static func parse(_ text: String) -> Int? {
        for unit in units where text.lowercased().hasSuffix(unit.name.lowercased()) {
            let number = text.utf8.dropLast(unit.name.utf8.count)
            return DecimalText.whole(number).flatMap {
                let (bytes, overflow) = $0.multipliedReportingOverflow(by: unit.bytes)
                return overflow ? nil : bytes
            }
        }
        return DecimalText.whole(text[...].utf8)
    }

    static func text(_ bytes: Int) -> String {
        for unit in units where bytes > 0 && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return String(bytes)
    }
}
