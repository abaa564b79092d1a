import StreamCore
import Testing

@Suite("Names by what they begin with")
struct NameRangesTests {
    private let sorted = ["a", "a/1", "a/2", "ab", "b", "b/1", "c", "é", "\u{10FFFF}x"].compactMap {
        try? StreamName($0)
    }

    private func page(_ ranges: NameRanges, after: String? = nil, limit: Int = 100) -> [String] {
        OrderedNames(sorted.shuffled()).page(ranges, after: after, limit: limit).map(\.text)
    }

    @Test("names are those of every range, each once and in order, however the ranges were given")
    func union() {
        #expect(page(NameRanges(prefixes: [""])) == sorted.map(\.text))
        #expect(page(NameRanges(prefixes: ["c", "a/", "a/1", "a/"])) == ["a/1", "a/2", "c"])
        #expect(page(NameRanges(prefixes: ["a", "", "b"])) == sorted.map(\.text))
        #expect(page(NameRanges(prefixes: ["\u{10FFFF}", "é"])) == ["é", "\u{10FFFF}x"])
        #expect(page(NameRanges(prefixes: [])).isEmpty)
        #expect(page(NameRanges(prefixes: ["x", "aa"])).isEmpty)
    }

    @Test("a whole name is that one alone, beside beginnings and in them")
    func names() {
        #expect(page(NameRanges(prefixes: [], names: ["a", "b/1", "a", "x"])) == ["a", "b/1"])
        #expect(page(NameRanges(prefixes: ["a"], names: ["a"])) == ["a", "a/1", "a/2", "ab"])
        #expect(page(NameRanges(prefixes: ["a/"], names: ["a", "a/1", "ab"])) == ["a", "a/1", "a/2", "ab"])
        #expect(page(NameRanges(prefixes: [""], names: ["a"])) == sorted.map(\.text))
        #expect(page(NameRanges(prefixes: ["\u{10FFFF}"], names: ["\u{10FFFF}"])) == ["\u{10FFFF}x"])
        #expect(page(NameRanges(prefixes: [], names: ["a", "a/1"]).beginning(with: "a/")) == ["a/1"])
        #expect(page(NameRanges(prefixes: [], names: ["a", "a/1"]).without(prefix: "a/")) == ["a"])
    }

    @Test("a narrower beginning, and one that is left out, cut the ranges")
    func cuts() {
        let all = NameRanges(prefixes: [""])
        #expect(page(all.beginning(with: "b")) == ["b", "b/1"])
        #expect(page(all.without(prefix: "a")) == ["b", "b/1", "c", "é", "\u{10FFFF}x"])
        #expect(page(all.without(prefix: "")).isEmpty)
        let some = NameRanges(prefixes: ["a/", "b/"])
        #expect(page(some.beginning(with: "a/2")) == ["a/2"])
        #expect(page(some.beginning(with: "")) == ["a/1", "a/2", "b/1"])
        #expect(page(some.beginning(with: "c")).isEmpty)
        #expect(page(some.without(prefix: "a/2")) == ["a/1", "b/1"])
        #expect(page(some.without(prefix: "b/").beginning(with: "b")).isEmpty)
    }

    @Test("a page begins after any text, and is full where more follow")
    func pages() {
        let ranges = NameRanges(prefixes: ["a/", "b", "c"])
        #expect(page(ranges, limit: 2) == ["a/1", "a/2"])
        #expect(page(ranges, after: "a/2", limit: 2) == ["b", "b/1"])
        #expect(page(ranges, after: "ab", limit: 1) == ["b"])
        #expect(page(ranges, after: "b/0") == ["b/1", "c"])
        #expect(page(ranges, after: "zzz").isEmpty)
        #expect(page(ranges, limit: 0).isEmpty)
    }
}
