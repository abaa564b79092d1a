import StoreSuite
import StreamCore
import Testing

@Suite("Names in order")
struct OrderedNamesTests {
    private let all = NameRanges(prefixes: [""])

    private func sorted(_ names: some Sequence<StreamName>) -> [StreamName] {
        names.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
    }

    private func name(_ number: Int) throws -> StreamName {
        try StreamName(["a/", "ab", "é/", "z~"][number % 4] + String(number * 7919 % 10_007))
    }

    @Test("names that come and go in any order are those of a sorted set, page by page", arguments: [1, 2, 3])
    func model(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var model: Set<StreamName> = []
        var names = OrderedNames()
        // Grows beyond several blocks, and shrinks to nothing.
        for (steps, odds) in [(6000, 8), (3000, 5), (12_000, 1)] {
            for _ in 0..<steps {
                let name = try name(Int.random(in: 0..<4000, using: &random))
                if Int.random(in: 0..<10, using: &random) < odds {
                    model.insert(name)
                    names.insert(name)
                } else {
                    model.remove(name)
                    names.remove(name)
                }
            }
            let expected = sorted(model)
            #expect(names.count == expected.count)
            #expect(names.page(all, after: nil, limit: .max) == expected)
            for prefix in ["", "a", "a/1", "ab", "é", "é/9", "z~", "zz", "0"] {
                let ranges = NameRanges(prefixes: [prefix])
                let found = expected.filter { $0.text.utf8.starts(with: prefix.utf8) }
                #expect(names.page(ranges, after: nil, limit: .max) == found)
                let limit = Int.random(in: 1...50, using: &random)
                guard let after = found.randomElement(using: &random) else { continue }
                let rest = found.drop { $0 != after }.dropFirst().prefix(limit)
                #expect(names.page(ranges, after: after.text, limit: limit) == Array(rest))
            }
        }
        for name in model { names.remove(name) }
        #expect(names.count == 0)
        #expect(names.page(all, after: nil, limit: 1).isEmpty)
    }

    @Test("a name that is there already, or not there, changes nothing")
    func twice() throws {
        let one = try StreamName("one")
        var names = OrderedNames([one])
        names.insert(one)
        names.remove(try StreamName("two"))
        names.remove(try StreamName("a"))
        #expect(names.count == 1)
        #expect(names.page(all, after: nil, limit: 9) == [one])
    }

    @Test("names that are the same to people, and of other bytes, are two")
    func bytes() throws {
        let composed = try StreamName("caf\u{E9}")
        let decomposed = try StreamName("cafe\u{301}")
        var names = OrderedNames([composed, decomposed])
        #expect(names.page(all, after: nil, limit: 9) == [decomposed, composed])
        names.remove(composed)
        #expect(names.page(all, after: nil, limit: 9) == [decomposed])
    }

    @Test("a page of slices goes on where the last one ended, and ends where one is short")
    func slices() throws {
        let names = OrderedNames(try (0..<300).map { try name($0) })
        var asked: [Int] = []
        let found = OrderedNames.slices(after: nil, limit: 250) { after, limit in
            asked.append(limit)
            return names.page(all, after: after, limit: limit).map { ($0, $0.text) }
        }
        #expect(found == names.page(all, after: nil, limit: 250).map(\.text))
        #expect(asked.allSatisfy { $0 <= 64 } && asked.count == 4)
        let rest = OrderedNames.slices(after: found.last, limit: 250) { after, limit in
            names.page(all, after: after, limit: limit).map { ($0, $0.text) }
        }
        #expect(found + rest == names.page(all, after: nil, limit: .max).map(\.text))
    }
}
