/// What two kinds of language model send while they answer, about 190 bytes an event.
enum Transcript {
    private static let words = """
        the stream of tokens that a model writes is read by a browser while it grows, and every word is one event, so \
        that café, naïve, 東京 and “quotes” arrive as they are written
        """.split(separator: " ")

    /// Returns at least so many bytes of whole events.
    static func bytes(count: Int) throws -> [UInt8] {
        let encoder = EventStreamEncoder()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 1024)
        var index = 0
        while bytes.count < count {
            let word = words[index % words.count]
            if index / 1000 % 2 == 0 {
                let json = """
                    {"id":"chatcmpl-9fA2bC3dE4","object":"chat.completion.chunk","created":1790000000,"model":"large-1",\
                    "choices":[{"index":0,"delta":{"content":" \(word)"},"finish_reason":null}]}
                    """
                try encoder.append(EventBlock(data: json), to: &bytes)
            } else {
                let json = """
                    {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" \(word)"},\
                    "snapshot":{"position":\(index)}}
                    """
                try encoder.append(EventBlock(event: "content_block_delta", data: json), to: &bytes)
            }
            index += 1
        }
        return bytes
    }
}
