import PrintableText

/// A result beside an earlier one of the same mode.
@available(freshet 0.1, *)
struct BenchComparison {
    var earlier: BenchResult
    var now: BenchResult

    /// What differs beside what was measured, and so may be why the figures do.
    var differences: [String] {
        var found: [String] = []
        if earlier.machine != now.machine {
            found.append("another machine: \(Self.text(earlier.machine)) then, \(Self.text(now.machine)) now")
        }
        if earlier.server != now.server { found.append("server: \(earlier.server) then, \(now.server) now") }
        if earlier.version != now.version { found.append("client: \(earlier.version) then, \(now.version) now") }
        if earlier.protocols != now.protocols {
            let (then, spoken) = (earlier.protocols.joined(separator: ", "), now.protocols.joined(separator: ", "))
            found.append("protocol: \(then) then, \(spoken) now")
        }
        for name in Set(earlier.options.keys).union(now.options.keys).sorted() {
            let (then, given) = (earlier.options[name] ?? "none", now.options[name] ?? "none")
            if then != given { found.append("--\(name): \(then) then, \(given) now") }
        }
        if !earlier.client.limits.isEmpty || !now.client.limits.isEmpty {
            found.append("a client was the limit, so that a ratio says little of the server")
        }
        if !earlier.errors.isEmpty || !now.errors.isEmpty { found.append("a run had errors") }
        return found
    }

    /// Figures then and now, and now as a part of then; only what both have.
    var rows: [(name: String, then: Double, now: Double, ratio: Double?)] {
        var found: [(String, Double, Double)] = []
        for figure in now.figures {
            guard let then = earlier.figures.first(where: { $0.name == figure.name }) else { continue }
            if let (before, after) = Self.both(then.perSecond, figure.perSecond) {
                found.append(("\(figure.name) a second", before, after))
            }
        }
        for latency in now.latencies {
            guard let then = earlier.latencies.first(where: { $0.name == latency.name }) else { continue }
            found.append(("\(latency.name), p50, ms", then.p50, latency.p50))
            found.append(("\(latency.name), p99, ms", then.p99, latency.p99))
        }
        found.append(("processors of the client", earlier.client.processors, now.client.processors))
        return found.map { name, then, now in (name, then, now, then > 0 ? now / then : nil) }
    }

    /// Lines for people.
    var text: String {
        var lines = ["", "beside the run of \(earlier.date):"]
        lines += BenchTable.aligned(
            [["", "then", "now", "ratio"]]
                + rows.map { row in
                    [
                        row.name, BenchTable.number(row.then), BenchTable.number(row.now),
                        row.ratio.map(BenchTable.number) ?? "-",
                    ]
                }
        )
        lines += differences.map { "  NOT THE SAME: \($0)" }
        return lines.map { PrintableText.escaped($0) + "\n" }.joined()
    }

    private static func both(_ one: Double?, _ other: Double?) -> (Double, Double)? {
        guard let one, let other else { return nil }
        return (one, other)
    }

    private static func text(_ machine: BenchMachine) -> String {
        "\(machine.processors) x \(machine.processor), \(machine.system)"
    }
}
