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
    private static let broken: [(text: String, error: RESPParseError)] = [
        ("x", .unknownType(0x78)),
        ("\r\n", .unknownType(0x0D)),
        ("HTTP/1.1 400 Bad Request\r\n", .unknownType(0x48)),
        ("+a\n", .brokenLineEnd),
        ("+a\rb\r\n", .brokenLineEnd),
        ("$1\r\nab\r\n", .brokenLineEnd),
        ("$1\r\na\rb", .brokenLineEnd),
        ("$0\r\na", .brokenLineEnd),
        (":\r\n", .notANumber),
        (":-\r\n", .notANumber),
        (":1 \r\n", .notANumber),
        (":0x10\r\n", .notANumber),
        (":9223372036854775808\r\n", .notANumber),
        (":-9223372036854775809\r\n", .notANumber),
        (":99999999999999999999999\r\n", .notANumber),
        ("$-2\r\n", .notANumber),
        ("$?\r\n", .notANumber),
        ("*?\r\n", .notANumber),
        ("!-1\r\n", .notANumber),
        ("%-1\r\n", .notANumber),
        ("$99999999999999999999\r\n", .notANumber),
        ("$9223372036854775807\r\n", .bulkTooLong),
        ("*9223372036854775807\r\n", .tooManyElements),
        ("%4611686018427387904\r\n", .tooManyElements),
        (",\r\n", .notANumber),
        (",0x1p3\r\n", .notANumber),
        (",1,5\r\n", .notANumber),
        ("(12a\r\n", .notANumber),
        ("(\r\n", .notANumber),
        ("#x\r\n", .malformed),
        ("#\r\n", .malformed),
        ("#tt\r\n", .malformed),
        ("_x\r\n", .malformed),
        ("=3\r\ntxt\r\n", .malformed),
        ("=5\r\ntxtab\r\n", .malformed),
        ("*1\r\n>1\r\n", .pushInside),
        (">1\r\n>1\r\n", .pushInside),
        ("|1\r\n>1\r\n", .pushInside),
    ]

    @Test("says what is broken, however it is cut, and reads nothing after it", arguments: broken.indices)
    func breaks(_ index: Int) throws {
        let sample = Self.broken[index]
        let bytes = Array((":1\r\n" + sample.text).utf8)
        for size in 1...bytes.count {
            let result = read(bytes, pieces: size)
            #expect(result.values == [.integer(1)] && result.error == sample.error, "in pieces of \(size)")
        }
        var parser = RESPParser()
        for _ in 0..<2 {
            #expect(throws: sample.error) {
                for byte in sample.text.utf8 + Array(":1\r\n".utf8) {
                    var position = 0
                    _ = try withUnsafeBytes(of: byte) { try parser.next($0, &position) }
                }
            }
        }
    }

    @Test("holds no more than its limits, each of which is taken whole")
    func limits() {
        var limits = RESPLimits()
        limits.line = 10
        limits.bulk = 10
        limits.reply = 25
        limits.elements = 8
        limits.depth = 3
        func error(_ text: String) -> [RESPParseError?] {
            let bytes = Array(text.utf8)
            return (1...bytes.count).map { read(bytes, pieces: $0, limits: limits).error }
        }
        func isTaken(_ text: String) -> Bool { error(text).allSatisfy { $0 == nil } }
        func isRefused(_ text: String, _ expected: RESPParseError) -> Bool { error(text).allSatisfy { $0 == expected } }
        #expect(isTaken("+0123456789\r\n"))
        #expect(isRefused("+01234567890\r\n", .lineTooLong))
        #expect(isRefused("+01234567890", .lineTooLong), "before its end is there")
        #expect(isTaken("$10\r\n0123456789\r\n"))
        #expect(isRefused("$11\r\n", .bulkTooLong))
        #expect(isTaken("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n+01234\r\n:1\r\n"))
        #expect(isRefused("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$6\r\n", .replyTooLong))
        #expect(isRefused("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n+012345\r\n", .replyTooLong))
        #expect(isTaken("*7\r\n" + String(repeating: ":1\r\n", count: 7)))
        #expect(isRefused("*8\r\n", .tooManyElements))
        #expect(isTaken("%3\r\n" + String(repeating: ":1\r\n", count: 6)))
        #expect(isRefused("%4\r\n", .tooManyElements))
        #expect(isRefused("*6\r\n" + String(repeating: "*1\r\n:1\r\n", count: 6), .tooManyElements))
        #expect(isRefused(String(repeating: "|0\r\n", count: 9), .tooManyElements))
        #expect(isTaken("*1\r\n*1\r\n*1\r\n:1\r\n"))
        #expect(isRefused("*1\r\n*1\r\n*1\r\n*1\r\n", .tooDeep))
        // Each reply counts anew.
        #expect(isTaken(String(repeating: "*2\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n", count: 5)))
    }

    @Test("reserves nothing for what is only announced")
    func announced() {
        var limits = RESPLimits()
        limits.bulk = .max
        limits.reply = .max
        limits.elements = .max
        limits.depth = .max
        // Each of these would be more memory than there is.
        let result = read(Array("$9223372036854775000\r\nabc".utf8), limits: limits)
        #expect(result.error == nil && result.values.isEmpty)
        let arrays = String(repeating: "*4000000000000\r\n", count: 1000)
        #expect(read(Array(arrays.utf8), limits: limits).error == nil)
    }

    @Test("calls itself for no nesting")
    func nesting() {
        var limits = RESPLimits()
        limits.depth = .max
        let deep = 100_000
        // The whole is never made: to take it apart is Swift's own recursion.
        let result = read(Array(String(repeating: "*1\r\n", count: deep).utf8), limits: limits)
        #expect(result.error == nil && result.values.isEmpty && !result.isBetween)
    }
}
