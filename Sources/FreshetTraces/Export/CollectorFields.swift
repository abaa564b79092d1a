import Foundation
package import FreshetServer

/// The header fields that a collector is called with beside those of the protocol, mostly a key. They are secret.
@available(freshet 0.1, *)
package struct CollectorFields: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    package let fields: [Field]

    /// What is wrong with the file of them. It never shows what is in it.
    package struct Trouble: Error, Sendable, Equatable, CustomStringConvertible {
        package var file: String
        package var reason: String

        package var description: String { "\(file): \(reason)" }
    }

    /// Those of a configuration, from the file that it names.
    package init(_ configuration: ServerConfiguration) throws(Trouble) {
        guard let file = configuration.otlpHeadersFile else {
            self.init(fields: [])
            return
        }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Trouble(file: file, reason: "the file of the collector's header fields cannot be read")
        }
        try self.init(parsing: [UInt8](data), file: file)
    }

    private init(fields: [Field]) {
        self.fields = fields
    }

    /// A field a line, `Name: value`. Blank lines, and those that begin with `#`, do not count.
    init(parsing bytes: [UInt8], file: String) throws(Trouble) {
        var fields: [Field] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = Self.trimmed(line)
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            let place = "line \(index + 1)"
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                throw Trouble(file: file, reason: "\(place) has no colon; write a field as `Name: value`")
            }
            let (name, value) = (Self.trimmed(line[..<colon]), Self.trimmed(line[(colon + 1)...]))
            guard !name.isEmpty, name.allSatisfy(Self.isToken) else {
                throw Trouble(file: file, reason: "\(place): what precedes the colon is no name of a header field")
            }
            guard !value.isEmpty, value.allSatisfy({ 0x20...0x7E ~= $0 || $0 == 0x09 }) else {
                throw Trouble(file: file, reason: "\(place): the value is empty, or has something other than ASCII")
            }
            let text = String(decoding: name, as: UTF8.self)
            guard !Self.own.contains(text.lowercased()) else {
                throw Trouble(file: file, reason: "\(place): \(text) is the server's to set; take it out")
            }
            fields.append(Field(name: text, value: String(decoding: value, as: UTF8.self)))
        }
        self.fields = fields
    }

    private static let own: Set<String> = [
        "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "host",
    ]

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
