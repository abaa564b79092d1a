import ArgumentParser
import Foundation
import Testing

@testable import FreshetCLI

@Suite("What freshet hooks prints")
struct HookListTests {
    private func list(trouble: String) throws -> HookList {
        let page = """
            {"hooks":[{"name":"http://app/told","prefixes":["chat/","mail/"],"disabled":false,"waiting":2,"delivered":7,
            "failed":3,"trouble":"\(trouble)"}],"entries":2,"dead":1,"bytes":1024,"calls":[{"number":17,"id":"msg_1",
            "hook":"http://app/told","state":"dead","stream":"chat/42","type":"stream.ended","reason":"done",
            "recorded":"2026-11-29T22:10:11Z","events":1,"bytes":5,"contentOmitted":null,"trouble":"it answered 500"}],
            "next":null}
            """
        return try JSONDecoder().decode(HookList.self, from: Data(page.utf8))
    }

    @Test("is a line for each hook, the count, and a line for each call")
    func lines() throws {
        let list = try list(trouble: "it answered 500")
        let text = HookList.text(list, list.calls)
        #expect(
            text == """
                http://app/told\tchat/ mail/\tfailing\t7 delivered, 3 failed, 2 waiting\tit answered 500
                2 calls not taken yet, 1 of them tried no more
                17\tdead\tchat/42\tdone\t2026-11-29T22:10:11Z\thttp://app/told\tit answered 500

                """
        )
    }

    @Test("has no line that somebody else made up")
    func escaped() throws {
        let list = try list(trouble: #"a\nb\u001b[2J"#)
        let text = HookList.text(list, [])
        #expect(text.split(separator: "\n").count == 2 && !text.utf8.contains(0x1B))
    }

    @Test(
        "takes no call that is to be retried and dropped",
        arguments: [
            ["--retry", "1", "--drop", "1"], ["--retry", "0"], ["--json", "--drop", "2"], ["--drop", "x"],
        ]
    )
    func refused(arguments: [String]) {
        #expect(throws: (any Error).self) { try HooksCommand.parse(arguments) }
    }
}
