#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Answers questions about HTTP streaming from the project's own documentation. It is built in; no model stands behind
/// it: it finds the section whose words fit the question best, by BM25, and gives it back as it was written.
@available(freshet 0.1, *)
package struct Answerer: Sendable {
    /// The answerer of `freshet demo`.
    package static let builtIn = Answerer(documents: Knowledge.documents)

    package let documents: [Document]
    /// How often each term occurs in each document, counted with the weight of the place it stands in.
    private let frequencies: [[String: Double]]
    private let lengths: [Double]
    private let averageLength: Double
    private let rarities: [String: Double]
    /// The sections by their own questions, all words counted: "Who are you?" is made of nothing but silent ones.
    private let named: [[String]: Int]

    // A title says best what a section is about, and a question best how it will be asked for.
    private static let titleWeight = 4.0
    private static let questionWeight = 3.0
    /// The customary constants of BM25, with a mild regard to length: sections differ little in it.
    private static let saturation = 1.2
    private static let lengthRegard = 0.4
    /// Of the weight of a question's words, how much a section must know to be an answer to it.
    private static let leastCover = 0.4

    package init(documents: [Document]) {
        self.documents = documents
        let frequencies = documents.map(Self.frequencies)
        let lengths = frequencies.map { $0.values.reduce(0, +) }
        self.frequencies = frequencies
        self.lengths = lengths
        self.averageLength = max(1, lengths.reduce(0, +) / Double(max(1, documents.count)))
        var named: [[String]: Int] = [:]
        for (index, document) in documents.enumerated() {
            for question in document.questions { named[Terms.words(of: question)] = index }
        }
        self.named = named
        var holders: [String: Int] = [:]
        for term in frequencies.flatMap(\.keys) { holders[term, default: 0] += 1 }
        self.rarities = holders.mapValues { Self.rarity(holders: $0, among: documents.count) }
    }

    /// The section that fits best, or, where none does, what can be asked.
    package func answer(to question: String) -> Answer {
        let terms = Set(Terms.of(question))
        let ranking = documents.indices
            .map { (index: $0, score: score(of: $0, for: terms)) }
            .filter { $0.score > 0 }
            .sorted { ($0.score, $1.index) > ($1.score, $0.index) }
        let best = ranking.first.flatMap { knows($0.index, enoughOf: terms) ? $0.index : nil }
        guard let index = named[Terms.words(of: question)] ?? best else { return fallback }
        let document = documents[index]
        return Answer(
            title: document.title,
            source: document.source,
            text: document.text,
            next: next(after: index, ranking.map(\.index).filter { $0 != index })
        )
    }

    private var fallback: Answer {
        // One question from each chapter shows what there is.
        var seen: Set<String> = []
        let examples = documents.filter { seen.insert($0.source).inserted }.compactMap(\.questions.first)
        let list = examples.map { "- \($0)" }.joined(separator: "\n")
        let text = """
            I found nothing about that in Freshet's documentation. I am a small built-in answerer, with no model behind \
            me: I look your words up, and I only know about streaming over HTTP.

            You can ask, for example:

            \(list)
            """
        return Answer(
            title: "What can be asked",
            source: "Built-in answerer",
            text: text,
            next: Array(examples.prefix(4))
        )
    }

    /// Three questions to go on with: what fitted second best, then what stands next in the documentation.
    private func next(after index: Int, _ others: [Int]) -> [String] {
        let following = (1...3).map { (index + $0) % documents.count }
        var chosen: [Int] = []
        for other in others.prefix(2) + following where other != index && !chosen.contains(other) {
            chosen.append(other)
        }
        return chosen.prefix(3).compactMap { documents[$0].questions.first }
    }

    private func score(of index: Int, for terms: Set<String>) -> Double {
        let length = 1 - Self.lengthRegard + Self.lengthRegard * lengths[index] / averageLength
        // In a fixed order: sums of floating-point numbers depend on it, and equal questions get equal answers.
        return terms.sorted().reduce(0) { sum, term in
            guard let frequency = frequencies[index][term], let rarity = rarities[term] else { return sum }
            return sum + rarity * frequency * (Self.saturation + 1) / (frequency + Self.saturation * length)
        }
    }

    /// A word that occurs nowhere counts as the rarest: whoever asks about cooking is not asking about streaming.
    private func knows(_ index: Int, enoughOf terms: Set<String>) -> Bool {
        let unknown = Self.rarity(holders: 0, among: documents.count)
        let asked = terms.reduce(0) { $0 + (rarities[$1] ?? unknown) }
        let known = terms.reduce(0) { $0 + (frequencies[index][$1] == nil ? 0 : rarities[$1] ?? 0) }
        return known >= asked * Self.leastCover
    }

    private static func rarity(holders: Int, among count: Int) -> Double {
        let count = Double(count)
        let holders = Double(holders)
        return log(1 + (count - holders + 0.5) / (holders + 0.5))
    }

    private static func frequencies(of document: Document) -> [String: Double] {
        var frequencies: [String: Double] = [:]
        for term in Terms.of(document.title) { frequencies[term, default: 0] += titleWeight }
        for term in Terms.of(document.questions.joined(separator: " ")) {
            frequencies[term, default: 0] += questionWeight
        }
        for term in Terms.of(document.text) { frequencies[term, default: 0] += 1 }
        return frequencies
    }
}
