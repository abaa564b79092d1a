import PrintableText

/// Streams as lines of columns.
@available(freshet 0.1, *)
struct Table {
    private static let header = ["NAME", "TYPE", "EVENTS", "BYTES", "READERS", "STATE", "TAIL", "LEASE", "EXPIRES"]

    /// Aligned under a header, for a terminal.
    static func aligned(_ streams: [StreamDescription]) -> String {
        let rows = [header] + streams.map(cells)
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let isNumber = (2...4).contains(column) || column > 6
                line += (column == 0 ? "" : "  ") + (isNumber ? padding + cell : cell + padding)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// Separated by tabs, without a header, for a program.
    static func separated(_ streams: [StreamDescription]) -> String {
        streams.map { cells($0).joined(separator: "\t") + "\n" }.joined()
    }

    private static func cells(_ stream: StreamDescription) -> [String] {
        [
            stream.name, stream.contentType, "\(stream.events)", "\(stream.bytes)", "\(stream.readers)",
            stream.end?.reason ?? "open", stream.tail, seconds(stream.lease),
            seconds(stream.expiresIn ?? stream.expiry?.ttl),
        ].map { PrintableText.escaped($0) }
    }

    private static func seconds(_ count: Int?) -> String { count.map { "\($0)" } ?? "-" }
}
