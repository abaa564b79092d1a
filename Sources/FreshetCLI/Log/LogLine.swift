import FreshetServer
import Logging
import PrintableText
import TextCodecs

/// One line of the log. What strangers said is in it as text that begins no other line and drives no terminal.
@available(freshet 0.1, *)
struct LogLine {
    var milliseconds: UInt64
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata

    /// With its line feed.
    func bytes(as format: LogFormat) -> [UInt8] {
        switch format {
        case .text: Array((text + "\n").utf8)
        case .json: PrintableText.escaped(json: json) + [UInt8(ascii: "\n")]
        }
    }

    private var time: String { Timestamp.text(milliseconds: milliseconds) }

    private var values: [(key: String, value: Logger.MetadataValue)] {
        metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    private var text: String {
        var line = "\(time) \(level.rawValue) \(label): \(PrintableText.escaped(message))"
        for (key, value) in values {
            line += " \(PrintableText.escaped(key))=\(Self.quoted(PrintableText.escaped("\(value)")))"
        }
        return line
    }

    /// A value that could be taken for more than one, in quotation marks.
    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        guard !isPlain else { return value }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    private var json: [UInt8] {
        JSONWriter.object { line in
            line.member("time", time)
            line.member("level", level.rawValue)
            line.member("logger", label)
            line.member("message", message)
            for (key, value) in values {
                // None is taken for one of the four.
                let name = ["time", "level", "logger", "message"].contains(key) ? "metadata.\(key)" : key
                switch value {
                case .stringConvertible(let number as Int): line.member(name, number)
                case .stringConvertible(let number as Double) where number.isFinite:
                    line.member(name, raw: "\(number)".utf8)
                default: line.member(name, "\(value)")
                }
            }
        }
    }
}
