import StreamCore
import TextCodecs

/// Who is to be told if a call ends a stream or takes it away, as the call says it (`notices.lua`).
@available(freshet 0.1, *)
struct OutboxNotice {
    /// Behind the letters of the call's mode.
    let text: String

    /// Nil where nobody is to be told of the stream.
    ///
    /// - Parameter backlog: what all entries count already.
    init?(of name: StreamName, _ rules: OutboxRules, backlog: Int, trace: String?) {
        let receivers = rules.receivers(of: name)
        guard !receivers.isEmpty else { return nil }
        let room = rules.backlogBytes - backlog - OutboxEntry.overhead
        let trace = trace.flatMap { $0.utf8.allSatisfy { 0x21...0x7E ~= $0 } ? $0 : nil } ?? ""
        var lines = ["\(trace) \(max(0, rules.contentBytes)) \(room)"]
        for receiver in receivers { lines.append("msg_\(RandomToken.text()) \(Self.line(of: receiver))") }
        text = lines.joined(separator: "\n")
    }

    /// Asks whether the call would end the stream or take it away; then it does nothing else.
    static let question = "?"

    /// The name of a receiver without ends of lines.
    static func line(of receiver: String) -> String {
        receiver.replacing("%", with: "%25").replacing("\n", with: "%0A")
    }

    static func receiver(of line: String) -> String {
        line.replacing("%0A", with: "\n").replacing("%25", with: "%")
    }
}
