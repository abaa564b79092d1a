/// An error that Redis answers with. By its convention the first word, in capitals, is the code.
@available(freshet 0.1, *)
package struct RESPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `ERR`, `WRONGTYPE`, `READONLY`…; empty where the first word is none.
    package var code: String
    /// What follows the code: made by Redis and by functions, for people.
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    init(_ bytes: some Sequence<UInt8>) {
        let text = Array(bytes)
        let end = text.firstIndex(of: UInt8(ascii: " ")) ?? text.endIndex
        let word = text[..<end]
        let isCode = !word.isEmpty && word.allSatisfy(Self.isOfCode)
        code = isCode ? String(decoding: word, as: UTF8.self) : ""
        message = String(decoding: isCode ? text[end...].dropFirst() : text[...], as: UTF8.self)
    }

    private static func isOfCode(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    package var description: String {
        if code.isEmpty { return message }
        return message.isEmpty ? code : code + " " + message
    }
}
