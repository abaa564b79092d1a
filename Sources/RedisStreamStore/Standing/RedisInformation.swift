/// What `INFO` says: lines of `name:value` under headings.
@available(freshet 0.1, *)
struct RedisInformation: Sendable {
    private let values: [String: String]

    init(_ text: String) {
        var values: [String: String] = [:]
        for line in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            guard line.first != UInt8(ascii: "#"), let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self)
            values[name] = String(decoding: line[line.index(after: colon)...], as: UTF8.self)
        }
        self.values = values
    }

    subscript(name: String) -> Int? { values[name].flatMap { Int($0) } }
}
