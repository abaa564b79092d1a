import TextCodecs

/// Which span of which trace a request comes of, as its `traceparent` says (W3C Trace Context, section 3.2).
@available(freshet 0.1, *)
package struct TraceParent: Sendable, Equatable {
    /// 32 digits.
    package let traceID: String
    /// The span's, 16 digits.
    package let parentID: String
    /// The caller records its part of the trace.
    package let isSampled: Bool

    /// Nil for a value that breaks the rules, which is then as good as none.
    package init?(_ value: String) {
        let bytes = Array(value.utf8)
        guard Self.length...Self.mostBytes ~= bytes.count else { return nil }
        let version = bytes[0..<2]
        let (trace, parent, flags) = (bytes[3..<35], bytes[36..<52], bytes[53..<55])
        guard [2, 35, 52].allSatisfy({ bytes[$0] == Self.dash }),
            [version, trace, parent, flags].allSatisfy({ $0.allSatisfy(Self.isDigit) }),
            !trace.allSatisfy({ $0 == Self.zero }), !parent.allSatisfy({ $0 == Self.zero })
        else { return nil }
        // What a version of later adds follows another dash, and 255 is none.
        guard !version.elementsEqual("ff".utf8),
            bytes.count == Self.length || (!version.elementsEqual("00".utf8) && bytes[Self.length] == Self.dash)
        else { return nil }
        traceID = String(decoding: trace, as: UTF8.self)
        parentID = String(decoding: parent, as: UTF8.self)
        // The last bit of the flags is the one that counts.
        isSampled = Hexadecimal.value(bytes[54]).map { $0 % 2 == 1 } ?? false
    }

    /// The trace's id, 32 digits; nil where the request has no such field, several of it, or one that breaks the rules.
    package static func traceID(in fields: RequestFields) -> String? {
        let values = fields["traceparent"]
        return values.count == 1 ? TraceParent(values[0])?.traceID : nil
    }

    /// Of version 00.
    private static let length = 55
    /// Of what later versions may become nobody looks at more.
    private static let mostBytes = 512
    private static let dash = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")

    /// Capital letters are none here.
    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}
