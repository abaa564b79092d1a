import StoreSuite
import StreamCore
import Testing

@Suite("Offsets")
struct OffsetTests {
    @Test("the order of the texts is the order of the offsets, and a text gives its offset back")
    func textOrder() {
        var random = SeededRandom(seed: 1)
        var offsets = (0..<2000).map { _ in
            Offset(
                milliseconds: .random(in: 0...Offset.maximumMilliseconds, using: &random),
                counter: .random(in: 0...Offset.maximumCounter, using: &random)
            )
        }
        offsets += [Offset(milliseconds: 0, counter: 0), Offset(milliseconds: 1, counter: 0)]
        for offset in offsets {
            #expect(Offset(offset.text) == offset && offset.text.utf8.count == 12)
            #expect(
                offset.text.utf8.allSatisfy {
                    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~".utf8.contains($0)
                }
            )
        }
        let sorted = offsets.sorted()
        #expect(
            zip(sorted, sorted.dropFirst()).allSatisfy {
                $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) || $0 == $1
            }
        )
    }

    @Test(
        "nothing else is an offset",
        arguments: ["", "-1", "now", "00000000000", "0000000000000", "00000000000-", "00000000000é", "0000 0000000"]
    )
    func malformed(text: String) {
        #expect(Offset(text) == nil)
    }

    @Test("a full counter borrows the next millisecond, and a clock that steps back changes no order")
    func issuer() {
        var issuer = OffsetIssuer(startingAbove: Offset(milliseconds: 5, counter: Offset.maximumCounter - 1))
        #expect(issuer.next(wallMilliseconds: 5) == Offset(milliseconds: 5, counter: Offset.maximumCounter))
        #expect(issuer.next(wallMilliseconds: 3) == Offset(milliseconds: 6, counter: 0))
        #expect(issuer.next(wallMilliseconds: 5) == Offset(milliseconds: 6, counter: 1))
        #expect(issuer.next(wallMilliseconds: 9) == Offset(milliseconds: 9, counter: 0))
        #expect(issuer.next(wallMilliseconds: .max).milliseconds == Offset.maximumMilliseconds)
    }
}
