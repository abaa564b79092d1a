import Foundation
import PrintableText

/// A report for programs: one JSON object.
@available(freshet 0.1, *)
package enum JSONReport {
    package static func bytes(_ report: Report, seconds: Double) -> [UInt8] {
        var object: [String: Any] = [
            "url": report.url,
            "mode": report.usesProbe ? "probe" : "outside",
            "verdict": report.verdict.code,
            "summary": report.summary,
            "findings": report.findings.map(finding),
            "layers": report.layers,
            "header_fields": [
                "removed": report.fields.removed, "changed": report.fields.changed, "added": report.fields.added,
            ],
            "notes": report.notes,
            "seconds": (seconds * 10).rounded() / 10,
        ]
        object["origin"] = report.origin
        object["http"] = report.http
        object["timelines"] = report.timelines.map { timeline in
            [
                "title": timeline.title, "sent_ms": timeline.sent.map(tenths),
                "arrived_ms": timeline.arrived.map(tenths),
            ] as [String: Any]
        }
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        // Texts, numbers, flags and arrays of them are always JSON.
        let data = (try? JSONSerialization.data(withJSONObject: object, options: options)) ?? Data()
        return PrintableText.escaped(json: Array(data)) + [UInt8(ascii: "\n")]
    }

    private static func finding(_ finding: Finding) -> [String: Any] {
        [
            "code": finding.code.rawValue,
            "severity": finding.severity.rawValue,
            "layer": finding.layer,
            "evidence": finding.evidence,
            "remedy": finding.remedy,
            "figures": finding.figures.mapValues(value),
        ]
    }

    private static func value(_ figure: Figure) -> Any {
        switch figure {
        // A whole number is written as one.
        case .number(let number): Int(exactly: number).map { $0 as Any } ?? number
        case .text(let text): text
        case .flag(let flag): flag
        case .list(let list): list
        }
    }

    private static func tenths(_ number: Double) -> Double { (number * 10).rounded() / 10 }
}
