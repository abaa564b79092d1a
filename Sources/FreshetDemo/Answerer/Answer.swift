/// What the built-in answerer has to say.
@available(freshet 0.1, *)
package struct Answer: Sendable, Equatable {
    /// The section it was taken from.
    package var title: String
    /// The chapter that the section stands in.
    package var source: String
    /// The text, cut before the white space that precedes each word, as a model cuts its tokens: joining the words
    /// gives the text exactly.
    package var words: [String]
    /// Questions that lead on from here.
    package var next: [String]

    package init(title: String, source: String, text: String, next: [String]) {
        self.title = title
        self.source = source
        self.words = Self.words(of: text)
        self.next = next
    }

    package var text: String { words.joined() }

    static func words(of text: String) -> [String] {
        var words: [String] = []
        var start = text.startIndex
        var wordHasBegun = false
        for index in text.indices {
            let isSpace = text[index].isWhitespace
            if isSpace, wordHasBegun {
                words.append(String(text[start..<index]))
                start = index
                wordHasBegun = false
            } else if !isSpace {
                wordHasBegun = true
            }
        }
        guard start < text.endIndex else { return words }
        let rest = String(text[start...])
        // White space at the very end belongs to the last word: an event of nothing but a line end shows nothing.
        if wordHasBegun || words.isEmpty { words.append(rest) } else { words[words.count - 1] += rest }
        return words
    }
}
