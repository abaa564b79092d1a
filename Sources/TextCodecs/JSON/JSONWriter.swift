/// Writes one JSON text, without whitespace.
///
/// ```swift
/// JSONWriter.object {
///     $0.member("name", "answer")
///     $0.member("events", 3)
/// }
/// ```
@available(freshet 0.1, *)
package struct JSONWriter: Sendable {
    private var bytes: [UInt8] = []
    /// Whether a comma stands before what comes next.
    private var hasBefore = false

    private init() {}

    /// An object with its members in the order in which they are written.
    package static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.enclose("{", "}", body)
        return writer.bytes
    }

    /// A member whose value is a string, or null.
    package mutating func member(_ name: String, _ value: String?) {
        guard let value else { return member(name, raw: "null".utf8) }
        key(name)
        Self.appendString(value, to: &bytes)
    }

    /// A member whose value is a number, or null.
    package mutating func member(_ name: String, _ value: Int?) {
        member(name, raw: (value.map(String.init) ?? "null").utf8)
    }

    package mutating func member(_ name: String, _ value: Bool) { member(name, raw: (value ? "true" : "false").utf8) }

    /// A member whose value is JSON already.
    package mutating func member(_ name: String, raw value: some Sequence<UInt8>) {
        key(name)
        bytes.append(contentsOf: value)
    }

    package mutating func member(_ name: String, object body: (inout JSONWriter) -> Void) {
        key(name)
        enclose("{", "}", body)
    }

    package mutating func member(_ name: String, array body: (inout JSONWriter) -> Void) {
        key(name)
        enclose("[", "]", body)
    }

    /// An element that is a string.
    package mutating func element(_ value: String) {
        separate()
        Self.appendString(value, to: &bytes)
    }

    /// An element of an array.
    package mutating func element(object body: (inout JSONWriter) -> Void) {
        separate()
        enclose("{", "}", body)
    }

    private mutating func key(_ name: String) {
        separate()
        Self.appendString(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func separate() {
        if hasBefore { bytes.append(UInt8(ascii: ",")) }
        hasBefore = true
    }

    private mutating func enclose(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: open))
        hasBefore = false
        body(&self)
        hasBefore = true
        bytes.append(UInt8(ascii: close))
    }
}

// MARK: Strings

@available(freshet 0.1, *)
extension JSONWriter {
    /// Appends a string with its quotes. Bytes that are not UTF-8 become U+FFFD.
    package static func appendString(_ string: String, to output: inout [UInt8]) {
        var string = string
        string.withUTF8 { appendString($0, to: &output) }
    }

    package static func appendString(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        guard isPlainASCII(bytes) else {
            appendEscaped(String(decoding: bytes, as: UTF8.self), to: &output)
            return
        }
        output.reserveCapacity(output.count + bytes.count + 2)
        output.append(UInt8(ascii: "\""))
        output.append(contentsOf: bytes)
        output.append(UInt8(ascii: "\""))
    }

    private static func isPlainASCII(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    private static func appendEscaped(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): output.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): output.append(contentsOf: "\\t".utf8)
            case 0..<0x20, 0x7F:
                output.append(contentsOf: "\\u00".utf8)
                output.append(Hexadecimal.digit(byte >> 4))
                output.append(Hexadecimal.digit(byte & 15))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
