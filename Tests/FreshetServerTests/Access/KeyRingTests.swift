import FreshetServer
import Testing

@Suite struct KeyRingTests {
    static let secret = "correct-horse-battery"
    /// SHA-256 of `secret`, from sha256sum.
    static let digest = "62249369389075490555a758353aec61500c6218fa597252d52dc4bd0148f12d"

    @Test func aKeyIsKnownByItsTextAndByItsDigest() throws {
        let plain = try KeyRing(parsing: "web \(Self.secret) read *", file: "keys")
        let hashed = try KeyRing(parsing: "web sha256:\(Self.digest) read *", file: "keys")
        let upper = try KeyRing(parsing: "web sha256:\(Self.digest.uppercased()) read *", file: "keys")
        for ring in [plain, hashed, upper] {
            #expect(ring.caller(forBearer: Self.secret)?.name == "web")
            #expect(ring.caller(forBearer: Self.digest) == nil)
            #expect(ring.caller(forBearer: "sha256:\(Self.digest)") == nil)
        }
    }

    @Test func aPrefixThatEndsWithinANameKeepsItsMeaningAndIsNamedByItsLine() throws {
        let lines = "# keys\nweb \(Self.secret) read answers/42 chat/ logs* *\nweb \(Self.secret) end answers"
        let ring = try KeyRing(parsing: lines, file: "keys")
        #expect(ring.caller(forBearer: Self.secret)?.may(.read, "answers/420") == true)
        #expect(ring.warnings.count == 2)
        #expect(ring.warnings.first?.hasPrefix("keys:2: answers/42 is every stream") == true)
        #expect(ring.warnings.last?.hasPrefix("keys:3: answers is every stream") == true)
    }

    @Test func everyKeyIsFoundWhereverItStandsAndNoNearMissIs() throws {
        let keys = (0..<50).map { "key-number-\($0)-of-the-file" }
        let text = keys.enumerated().map { "k\($0.offset) \($0.element) read s\($0.offset)/" }.joined(separator: "\n")
        let ring = try KeyRing(parsing: text, file: "keys")
        for (index, key) in keys.enumerated() {
            #expect(ring.caller(forBearer: key)?.name == "k\(index)")
            #expect(ring.caller(forBearer: key)?.may(.read, "s\(index)/x") == true)
            for miss in [String(key.dropLast()), key + "x", key.uppercased(), " " + key, key + "\0"] {
                #expect(ring.caller(forBearer: miss) == nil)
            }
        }
        #expect(ring.caller(forBearer: "") == nil)
    }

    @Test func commentsBlankLinesTabsCarriageReturnsAndAByteOrderMarkAreFine() throws {
        let ring = try KeyRing(
            parsing: "\u{FEFF}# keys\r\n\r\n \t \r\nweb\t \(Self.secret)  append,end\tchat/  jobs/ # two\r\n#end",
            file: "keys"
        )
        let caller = try #require(ring.caller(forBearer: Self.secret))
        #expect(caller.may([.append, .end], "jobs/1"))
        #expect(caller.may([.append, .end], "chat/1"))
        #expect(!caller.may(.read, "jobs/1"))
        #expect(!caller.may(.append, "# two"))
    }

    @Test func aNameThatComesAgainWithItsKeyHasBothGrants() throws {
        let ring = try KeyRing(
            parsing:
                "web \(Self.secret) read *\nother another-key-entirely all x\nweb sha256:\(Self.digest) append chat/",
            file: "keys"
        )
        let caller = try #require(ring.caller(forBearer: Self.secret))
        #expect(caller.grants.count == 2)
        #expect(caller.may([.read, .append], "chat/1"))
        #expect(!caller.may(.append, "x"))
    }

    @Test(arguments: [
        ("", nil, "no key"),
        ("# nothing\n\n", nil, "no key"),
        ("web", 1, "1 of the four"),
        ("\n\nweb \(secret) all", 3, "3 of the four"),
        ("web \(secret) all # chat/", 1, "3 of the four"),
        ("we.b \(secret) all *", 1, "a name is"),
        ("wéb \(secret) all *", 1, "a name is"),
        ("\(String(repeating: "n", count: 65)) \(secret) all *", 1, "a name is"),
        ("web short all *", 1, "shorter than 16"),
        ("web not-a-tökén-in-a-header all *", 1, "no Authorization header"),
        ("web ================ all *", 1, "no Authorization header"),
        ("web sha256:abc all *", 1, "64 hex digits"),
        ("web sha256:\(String(repeating: "0", count: 63))g all *", 1, "64 hex digits"),
        ("web sha256:\(digest)00 all *", 1, "64 hex digits"),
        ("web \(secret) write *", 1, "\"write\" is no right"),
        ("web \(secret) read,,end *", 1, "\"\" is no right"),
        ("web \(secret) read, end *", 1, "\"\" is no right"),
        ("web \(secret) all /v1/stream/x", 1, "is a path"),
        ("web \(secret) all a*b", 1, "a * before its end"),
        ("web \(secret) all *\nweb some-other-key-here read *", 2, "already has another key"),
        ("web \(secret) all *\nbob \(secret) read *", 2, "the same key"),
    ])
    func aWrongLineIsNamedWithWhatToDoAndWithoutTheKey(text: String, line: Int?, reason: String) throws {
        let error = try #require(throws: KeyFileError.self) { try KeyRing(parsing: text, file: "etc/keys") }
        #expect(error.line == line)
        #expect(error.reason.contains(reason))
        #expect(error.description.hasPrefix(line.map { "etc/keys:\($0): " } ?? "etc/keys: "))
        #expect(!error.description.contains(Self.secret))
        #expect(!error.description.contains("tökén"))
    }
}

@Suite struct BearerTokenTests {
    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER   abc  ", "abc"),
        ("Bearer a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="),
    ])
    func theSchemeIsReadInAnyCase(field: String, token: String) {
        #expect(BearerToken(authorization: field)?.text == token)
    }

    @Test(arguments: [
        "", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "Bearer a b", "Bearer =", "Bearer a=b", "Bearer \u{E9}",
        "Bearer a,b",
        " Bearer abc", "Bearer\tabc", "Bearer abc, Bearer def", "Bearer a\0",
    ])
    func whatIsNoTokenIsNone(field: String) {
        #expect(BearerToken(authorization: field) == nil)
    }
}
