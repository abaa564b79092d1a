/// The trace that a request belongs to, as its `traceparent` says (W3C Trace Context, section 3.2).
package enum TraceParent {
    /// The trace's id, 32 digits; nil where the request has no such field, several of it, or one that breaks the rules,
    /// which is then as good as none.
    package static func traceID(in fields: RequestFields) -> String? {
        let values = fields["traceparent"]
        return values.count == 1 ? traceID(of: values[0]) : nil
    }

    static func traceID(of value: String) -> String? {
        let bytes = Array(value.utf8)
        guard bytes.count >= length, bytes.count == length || bytes.count <= mostBytes else { return nil }
        let version = bytes[0..<2]
        let (trace, parent, flags) = (bytes[3..<35], bytes[36..<52], bytes[53..<55])
        guard [2, 35, 52].allSatisfy({ bytes[$0] == dash }),
            [version, trace, parent, flags].allSatisfy({ $0.allSatisfy(isDigit) }),
            !trace.allSatisfy({ $0 == zero }), !parent.allSatisfy({ $0 == zero })
        else { return nil }
        // What a version of later adds follows another dash, and 255 is none.
        guard !version.elementsEqual("ff".utf8),
            bytes.count == length || (!version.elementsEqual("00".utf8) && bytes[length] == dash)
        else { return nil }
        return String(decoding: trace, as: UTF8.self)
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
