@available(freshet 0.1, *)
extension ProbePlan {
    /// Why a query is no plan: what to tell whoever sent it.
    package struct Refusal: Error, Sendable, Equatable {
        package var reason: String

        package init(_ reason: String) {
            self.reason = reason
        }
    }

    /// The query of the probe's URL. Nothing in it needs escaping.
    package var query: String {
        var parts = ["id=\(name)", "n=\(events)", "size=\(eventBytes)"]
        if form != .sse { parts.append("form=\(form.rawValue)") }
        parts.append("hints=" + ProbeHint.allCases.filter(hints.contains).map(\.rawValue).joined(separator: ","))
        if delay > 0 { parts.append("delay=\(delay)") }
        parts.append("gaps=" + gaps.map(String.init).joined(separator: ","))
        if let death { parts.append("die=\(death.rawValue)&at=\(deathAfter)") }
        return parts.joined(separator: "&")
    }

    /// Reads a query, and refuses what is outside of ``Limits``.
    package init(query: [(name: String, value: String)]) throws(Refusal) {
        var fields: [String: String] = [:]
        for (name, value) in query {
            guard fields.updateValue(value, forKey: name) == nil else { throw Refusal("\(name) is there twice") }
        }
        let known: Set = ["id", "n", "size", "form", "hints", "delay", "gaps", "die", "at"]
        if let unknown = fields.keys.sorted().first(where: { !known.contains($0) }) {
            throw Refusal("there is no parameter \(unknown)")
        }
        self.init(
            name: try Self.name(fields["id"]),
            events: try Self.number(fields["n"], "n", 0...Limits.events),
            eventBytes: try Self.number(fields["size"] ?? "20", "size", 1...Limits.eventBytes),
            delay: try Self.number(fields["delay"] ?? "0", "delay", 0...Limits.milliseconds),
            gaps: try Self.gaps(fields["gaps"])
        )
        if let text = fields["form"] {
            guard let form = ProbeForm(rawValue: text) else {
                throw Refusal("form is one of \(ProbeForm.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            self.form = form
        }
        hints = []
        for text in (fields["hints"] ?? "").split(separator: ",") {
            guard let hint = ProbeHint(rawValue: String(text)) else {
                throw Refusal("hints are some of \(ProbeHint.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            hints.insert(hint)
        }
        if let text = fields["die"] {
            guard let death = Death(rawValue: text) else { throw Refusal("die is fin or rst") }
            self.death = death
            deathAfter = try Self.number(fields["at"], "at", 0...events)
        }
        guard events * eventBytes <= Limits.bytes else {
            throw Refusal("n times size is more than \(Limits.bytes) bytes")
        }
        guard milliseconds <= Limits.milliseconds else {
            throw Refusal("it would take longer than \(Limits.milliseconds / 1000) s")
        }
    }

    /// A name that a probe may have.
    package static func name(_ text: String?) throws(Refusal) -> String {
        guard let text, 1...Limits.nameBytes ~= text.utf8.count, text.utf8.allSatisfy(isLetterOrDigit) else {
            throw Refusal("id is 1 to \(Limits.nameBytes) letters and digits")
        }
        return text
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    private static func number(_ text: String?, _ name: String, _ range: ClosedRange<Int>) throws(Refusal) -> Int {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let text, text.utf8.allSatisfy(digits.contains), let number = Int(text), range.contains(number) else {
            throw Refusal("\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func gaps(_ text: String?) throws(Refusal) -> [Int] {
        let parts = (text ?? "100").split(separator: ",", omittingEmptySubsequences: false)
        guard 1...Limits.gaps ~= parts.count else {
            throw Refusal("gaps has 1 to \(Limits.gaps) numbers, separated by commas")
        }
        var gaps: [Int] = []
        for part in parts { gaps.append(try number(String(part), "each of gaps", 1...Limits.milliseconds)) }
        return gaps
    }
}
