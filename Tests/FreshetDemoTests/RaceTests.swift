import Foundation
import Testing

@testable import FreshetDemo

@Suite("The race's answer and the JSON trap")
struct RaceTests {
    @Test("the answer has the bytes and the time that were asked for, words first", arguments: [1, 2, 5, 20])
    func answer(seconds: Int) throws {
        let answer = try #require(RaceAnswer(seconds: seconds, bytes: 2_000_000))
        let pieces = answer.pieces
        #expect(pieces.map(\.bytes.count).reduce(0, +) == 2_000_000)
        #expect(pieces.last?.due == .seconds(seconds))
        #expect(zip(pieces, pieces.dropFirst()).allSatisfy { $0.due < $1.due })
        let words = pieces.prefix { $0.due <= .seconds(seconds) / 2.5 }
        #expect(words.count == seconds * 8 && words.allSatisfy { $0.bytes.count < 40 })
        #expect(pieces.allSatisfy { $0.bytes.allSatisfy { (0x20..<0x80).contains($0) } })
        #expect(pieces == answer.pieces)
    }

    @Test("the smallest answer has room for its words, and what is out of range is none")
    func ranges() throws {
        let smallest = try #require(RaceAnswer(seconds: 20, bytes: 10_000))
        #expect(smallest.pieces.map(\.bytes.count).reduce(0, +) == 10_000)
        for (seconds, bytes) in [(0, 100_000), (21, 100_000), (5, 9_999), (5, 4_000_001)] {
            #expect(RaceAnswer(seconds: seconds, bytes: bytes) == nil)
        }
    }

    @Test("in the trap, only the whole document is JSON; each line and each value is, and all three say the same")
    func trap() throws {
        let pieces = JSONTrap.json.output()
        #expect(pieces.count > 40 && pieces.allSatisfy { $0.count <= 6 })
        var text: [UInt8] = []
        for piece in pieces {
            #expect((try? JSONSerialization.jsonObject(with: Data(text))) == nil)
            text += piece
        }
        let whole = try #require(try JSONSerialization.jsonObject(with: Data(text)) as? NSDictionary)

        var joined: [String: Any] = [:]
        for line in try lines(.ndjson) {
            for (key, value) in line {
                let before = joined[key] as? String
                joined[key] = before.map { $0 + (value as? String ?? "") } ?? value
            }
        }
        #expect(NSDictionary(dictionary: joined) == whole)

        let values = try lines(.partial)
        #expect(values.count == pieces.count)
        #expect(values.last?["value"] as? NSDictionary == whole)
        #expect(values.dropLast().allSatisfy { $0["complete"] as? Bool == false })
        #expect(values.last?["complete"] as? Bool == true)
    }

    private func lines(_ trap: JSONTrap) throws -> [[String: Any]] {
        try trap.output().joined().split(separator: UInt8(ascii: "\n")).map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        }
    }

    @Test("the article writes a word without a look at it")
    func article() {
        #expect(ArticleCase.hello.words.map(ArticleCase.hello.event) == ["data: Hello\n\n", "data: World\n\n"])
        #expect(ArticleCase.newline.event("a\nb") == "data: a\nb\n\n")
        #expect(ArticleCase.space.event(" World") == "data: World\n\n")
    }

    @Test("places are given back, also by what fails")
    func places() async {
        struct Mistake: Error {}
        let places = Places(1)
        await #expect(throws: Mistake.self) { try await places.hold { throw Mistake() } }
        let isHeld = await places.hold { #expect(!places.take()) }
        #expect(isHeld && places.take())
        #expect(await places.hold {} == false)
    }
}
