/// One section of the documentation: what an answer is made of.
@available(freshet 0.1, *)
package struct Document: Sendable, Equatable {
    package var title: String
    /// The chapter that the section stands in.
    package var source: String
    /// Questions that the section answers, as a reader would ask them.
    package var questions: [String]
    package var text: String

    package init(title: String, source: String, questions: [String], text: String) {
        self.title = title
        self.source = source
        self.questions = questions
        self.text = text
    }

    /// The sections of a chapter: `#` names the chapter, `##` begins a section, and the lines after it that begin
    /// with `?` are its questions.
    package static func sections(ofChapter markdown: String) -> [Document] {
        var source = ""
        var sections: [Document] = []
        var lines: [Substring] = []
        var isInFence = false

        func finish() {
            guard let last = sections.indices.last else { return }
            sections[last].text = trim(lines).joined(separator: "\n")
            lines = []
        }

        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") { isInFence.toggle() }
            if isInFence {
                lines.append(line)
            } else if line.hasPrefix("## ") {
                finish()
                sections.append(Document(title: String(line.dropFirst(3)), source: source, questions: [], text: ""))
            } else if line.hasPrefix("# ") {
                source = String(line.dropFirst(2))
            } else if line.hasPrefix("? "), let last = sections.indices.last {
                sections[last].questions.append(String(line.dropFirst(2)))
            } else {
                lines.append(line)
            }
        }
        finish()
        return sections
    }

    private static func trim(_ lines: [Substring]) -> ArraySlice<Substring> {
        guard let first = lines.firstIndex(where: { !$0.isEmpty }), let last = lines.lastIndex(where: { !$0.isEmpty })
        else { return [] }
        return lines[first...last]
    }
}
