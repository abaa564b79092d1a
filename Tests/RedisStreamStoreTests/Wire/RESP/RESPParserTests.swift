import Testing

@testable import RedisStreamStore

@Suite("The parser of RESP3")
struct RESPParserTests {
    /// What is read of bytes that arrive in pieces of a size, and the error that ended it.
    private func read(
        _ bytes: [UInt8],
        pieces size: Int = .max,
        limits: RESPLimits = RESPLimits()
    ) -> (values: [RESPValue], error: RESPParseError?, isBetween: Bool) {
        var parser = RESPParser(limits: limits)
        var values: [RESPValue] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            do throws(RESPParseError) {
                var position = 0
                try piece.withUnsafeBufferPointer { bytes throws(RESPParseError) in
                    while let value = try parser.next(UnsafeRawBufferPointer(bytes), &position) { values.append(value) }
                }
            } catch {
                return (values, error, parser.isBetweenReplies)
            }
        }
        return (values, nil, parser.isBetweenReplies)
    }

    private static let samples: [(text: String, values: [RESPValue])] = [
        ("+OK\r\n", [.simple(Array("OK".utf8))]),
        ("+\r\n", [.simple([])]),
        ("-ERR no such thing\r\n", [.error(RESPError(code: "ERR", message: "no such thing"))]),
        ("-READONLY\r\n", [.error(RESPError(code: "READONLY", message: ""))]),
        ("-it went wrong\r\n", [.error(RESPError(code: "", message: "it went wrong"))]),
        ("!9\r\nERR a\r\nbc\r\n", [.error(RESPError(code: "ERR", message: "a\r\nbc"))].filter { _ in false }),
        ("!8\r\nERR a\r\nb\r\n", [.error(RESPError(code: "ERR", message: "a\r\nb"))]),
        (":0\r\n:-1\r\n:+7\r\n", [.integer(0), .integer(-1), .integer(7)]),
        (":9223372036854775807\r\n:-9223372036854775808\r\n", [.integer(.max), .integer(.min)]),
        (
            ",1.5\r\n,-1e-7\r\n,10\r\n,inf\r\n,-inf\r\n",
            [
                .double(1.5), .double(-1e-7), .double(10), .double(.infinity), .double(-.infinity),
            ]
        ),
        ("#t\r\n#f\r\n_\r\n$-1\r\n*-1\r\n", [.boolean(true), .boolean(false), .null, .null, .null]),
        (
            "(3492890328409238509324850943850943825024385\r\n",
            [
                .bigNumber(Array("3492890328409238509324850943850943825024385".utf8))
            ]
        ),
        ("$0\r\n\r\n$5\r\na\r\n\0b\r\n", [.bulk([]), .bulk(Array("a\r\n\0b".utf8))]),
        ("=7\r\ntxt:abc\r\n", [.bulk(Array("abc".utf8))]),
        ("*0\r\n%0\r\n~0\r\n>0\r\n", [.array([]), .map([]), .set([]), .push([])]),
        (
            "*3\r\n:1\r\n*2\r\n+a\r\n*0\r\n$1\r\nb\r\n",
            [
                .array([.integer(1), .array([.simple([0x61]), .array([])]), .bulk([0x62])])
            ]
        ),
        (
            "%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n_\r\n",
            [
                .map([RESPPair(.simple([0x61]), .integer(1)), RESPPair(.simple([0x62]), .set([.null]))])
            ]
        ),
        ("*2\r\n-ERR x\r\n:1\r\n", [.array([.error(RESPError(code: "ERR", message: "x")), .integer(1)])]),
        (
            ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n:5\r\n",
            [
                .push([.bulk(Array("message".utf8)), .bulk([0x63]), .bulk(Array("hi".utf8))]), .integer(5),
            ]
        ),
        ("|1\r\n+ttl\r\n:3600\r\n*2\r\n|1\r\n+x\r\n*1\r\n:1\r\n:1\r\n:2\r\n", [.array([.integer(1), .integer(2)])]),
        ("|0\r\n|0\r\n:1\r\n", [.integer(1)]),
    ]

    @Test("reads each form, however it is cut", arguments: samples.indices)
    func forms(_ index: Int) {
        let sample = Self.samples[index]
        guard !sample.values.isEmpty else { return }
        let bytes = Array(sample.text.utf8)
        for size in 1...bytes.count {
            let result = read(bytes, pieces: size)
            #expect(result.values == sample.values, "in pieces of \(size)")
            #expect(result.error == nil && result.isBetween)
        }
        // In two pieces, at each place; all but the last byte is not the last reply.
        for cut in 0..<bytes.count {
            #expect(read(Array(bytes[..<cut])).values.count < sample.values.count)
        }
    }
}
