import Foundation
import PrintableText

/// A result as lines for people.
@available(freshet 0.1, *)
enum BenchTable {
    static func text(_ result: BenchResult) -> String {
        let settings = result.options.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        var lines = [
            "freshet bench \(result.mode): " + ([result.server] + result.protocols).joined(separator: ", "),
            "  " + settings.joined(separator: ", "),
            "",
        ]
        var figures = [["", "measured", "a second", "whole run"]]
        for figure in result.figures {
            figures.append(
                [figure.name, "\(figure.measured)", figure.perSecond.map(number) ?? "-", "\(figure.all)"]
            )
        }
        lines += aligned(figures)
        if !result.latencies.isEmpty {
            var latencies = [["milliseconds", "count", "mean", "p50", "p90", "p99", "p99.9", "max"]]
            for one in result.latencies {
                let times = [one.mean, one.p50, one.p90, one.p99, one.p999, one.max]
                latencies.append([one.name, "\(one.count)"] + times.map(number))
            }
            lines.append("")
            lines += aligned(latencies)
        }
        lines.append("")
        if result.held > 0 {
            lines.append("  \(result.held) events waited for the answer to the one before on their connection.")
        }
        let client = result.client
        lines.append(
            "  This client used \(String(format: "%.2f", client.processors)) processors for \(client.threads) "
                + "thread\(client.threads == 1 ? "" : "s"); its loops were \(number(client.loopLagP99)) ms late (p99)."
        )
        if !client.limits.isEmpty {
            lines.append("  THE CLIENT WAS THE LIMIT: " + client.limits.joined(separator: "; ") + ".")
        }
        for (kind, count) in result.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            lines.append("  ERRORS: \(count) x \(kind)")
        }
        return lines.map { PrintableText.escaped($0) + "\n" }.joined()
    }

    /// Three digits or more.
    static func number(_ value: Double) -> String {
        String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : value >= 1 ? "%.2f" : "%.3f", value)
    }

    /// Rows under each other: names to the left, the rest to the right.
    static func aligned(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }
            return "  " + cells.joined(separator: "  ")
        }
    }
}
