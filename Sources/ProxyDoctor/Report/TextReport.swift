import PrintableText

/// A report for people, as lines for a terminal.
@available(freshet 0.1, *)
package struct TextReport: Sendable {
    private let width: Int

    /// - Parameter width: Columns of the terminal.
    package init(width: Int = 100) {
        self.width = max(40, min(width, 120))
    }

    package func text(_ report: Report) -> String {
        var lines: [String] = []
        lines.append(
            "\(report.url)\(report.http.map { " over HTTP/\($0)" } ?? "")"
                + (report.origin.map { ", beside \($0)" } ?? "")
        )
        lines.append("")
        lines += wrapped("\(report.verdict.code): \(report.summary)", indent: 0)
        if !report.layers.isEmpty { lines += wrapped("Between: \(report.layers.joined(separator: ", ")).", indent: 0) }
        for timeline in report.timelines {
            lines.append("")
            lines += Drawing(timeline, width: width).lines
        }
        for finding in report.findings {
            lines.append("")
            lines += block(finding)
        }
        let changes = [
            ("removed", report.fields.removed), ("changed", report.fields.changed), ("added", report.fields.added),
        ].filter { !$0.1.isEmpty }
        if !changes.isEmpty {
            lines.append("")
            lines.append("Header fields on the way")
            for (what, fields) in changes {
                for field in fields { lines += wrapped("\(what) \(field)", indent: 2) }
            }
        }
        if !report.notes.isEmpty { lines.append("") }
        for note in report.notes { lines += wrapped(note, indent: 0) }
        return lines.map { PrintableText.escaped($0) + "\n" }.joined()
    }

    private func block(_ finding: Finding) -> [String] {
        let mark =
            switch finding.severity {
            case .good: "ok"
            case .warning: "note"
            case .fault: "FAULT"
            }
        var lines = wrapped("\(mark)  \(finding.code.rawValue)", indent: 0)
        lines += wrapped(finding.evidence, indent: 2)
        if finding.severity != .good {
            lines += wrapped("who: \(finding.layer)", indent: 2)
            if !finding.remedy.isEmpty { lines += wrapped("fix: \(finding.remedy)", indent: 2) }
        }
        return lines
    }

    private func wrapped(_ text: String, indent: Int) -> [String] {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > width - indent {
                lines.append(margin + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        lines.append(margin + line)
        return lines
    }
}

/// Two rows of marks, above each other: when events were sent, and when they came.
@available(freshet 0.1, *)
struct Drawing {
    let lines: [String]

    init(_ timeline: Timeline, width: Int) {
        let label = 12
        let columns = width - label - 8
        let end = max(1, (timeline.sent + timeline.arrived).max() ?? 1)
        let seconds = "\((end / 100).rounded() / 10) s"
        lines = [
            timeline.title,
            "  sent      " + Self.row(timeline.sent, end: end, columns: columns),
            "  arrived   " + Self.row(timeline.arrived, end: end, columns: columns) + "  " + seconds,
        ]
    }

    /// A `|` for one event in a column, a digit for several, `#` for more than nine.
    private static func row(_ moments: [Double], end: Double, columns: Int) -> String {
        var counts = [Int](repeating: 0, count: columns)
        for moment in moments {
            counts[min(columns - 1, max(0, Int(moment / end * Double(columns - 1))))] += 1
        }
        return counts.map { count in
            switch count {
            case 0: "."
            case 1: "|"
            case 2...9: "\(count)"
            default: "#"
            }
        }.joined()
    }
}
