import FreshetServer
import Testing

@Suite struct RightsTests {
    @Test func everyRightHasANameThatReadsBack() {
        for (name, right) in Rights.named {
            #expect(Rights(name: name) == right)
            #expect(right.description == name)
        }
        #expect(Rights(name: "all") == .all)
        #expect(Rights.all.names.count == 6)
        #expect(Rights([.append, .end]).description == "append,end")
    }

    @Test func allIsEverythingButToInspect() throws {
        #expect(!Rights.all.contains(.inspect))
        #expect(Rights(name: "inspect") == .inspect)
        #expect(Rights([.all, .inspect]).description == "all,inspect")
        let ring = try KeyRing(parsing: "a 0123456789abcdef all *\nb fedcba9876543210 all,inspect *\n", file: "keys")
        #expect(ring.caller(forBearer: "0123456789abcdef")?.may(.inspect, "x") == false)
        #expect(ring.caller(forBearer: "fedcba9876543210")?.may([.read, .inspect], "x") == true)
    }

    @Test(arguments: ["", "ALL", "write", "append ", "append,end"])
    func whatIsNoNameIsNoRight(name: String) {
        #expect(Rights(name: name) == nil)
    }

    @Test func rightsOfSeveralGrantsAddUpOnAStreamThatAllOfThemCover() throws {
        let caller = Caller(
            name: "a",
            grants: [
                Caller.Grant(.read, [try StreamPrefix(parsing: "*")]),
                Caller.Grant(
                    [.append, .create],
                    [try StreamPrefix(parsing: "chat/"), try StreamPrefix(parsing: "jobs/")]
                ),
            ]
        )
        #expect(caller.may([.read, .append], "chat/1"))
        #expect(caller.may(.create, "jobs/1"))
        #expect(!caller.may([.read, .append], "chat"))
        #expect(!caller.may(.end, "chat/1"))
        #expect(caller.may(.read, ""))
    }
}

@Suite struct StreamPrefixTests {
    @Test(arguments: [
        ("chat/", "chat/1", true), ("chat/", "chat", false), ("chat/", "chatter", false), ("chat", "chatter", true),
        ("chat/*", "chat/1", true), ("*", "anything", true), ("*", "", true), ("é", "é", true),
        // One character to a reader, two different streams to the store.
        ("\u{E9}", "e\u{301}", false), ("e", "e\u{301}", true), ("CHAT/", "chat/1", false),
    ])
    func aPrefixCoversNamesThatBeginWithItsBytes(prefix: String, stream: String, covered: Bool) throws {
        #expect(try StreamPrefix(parsing: prefix).covers(stream) == covered)
    }

    @Test(arguments: ["", "/chat", "/v1/stream/chat/", "a*b", "**"])
    func whatCouldOnlyBeAMistakeIsRefused(prefix: String) {
        #expect(throws: Refusal.self) { try StreamPrefix(parsing: prefix) }
    }
}
