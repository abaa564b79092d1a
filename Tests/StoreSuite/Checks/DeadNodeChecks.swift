import StreamCore
import Testing

/// What becomes of the work of a node that is found dead.
@available(freshet 0.1, *)
extension StoreCheck {
    static let deadNodes: [StoreCheck] = [
        StoreCheck("what a dead node was at is left as torn by each of its claims, and what others are at goes on") {
            bench in
            let (one, two) = try await bench.nodes()
            let torn = try await one.put(.known("torn")).birth
            let tornClaim = try await two.claim(.known("torn"), born: torn, torn: 7)
            let leased = try await one.put(.known("leased"), StreamOptions(leaseSeconds: 20)).birth
            _ = try await two.claim(.known("leased"), born: leased, torn: 7)
            let shared = try await one.put(.known("shared")).birth
            let own = try await one.claim(.known("shared"), born: shared, label: "p")
            _ = try await two.claim(.known("shared"), born: shared, label: "q", torn: 7)
            let answer = try await one.put(.known("answer"), StreamOptions(leaseSeconds: 60)).birth
            let answerClaim = try await two.claim(.known("answer"), born: answer, kind: .answer)
            try await two.add(.known("answer"), "half", claim: answerClaim)
            let ended = try await one.put(.known("ended")).birth
            let endedClaim = try await two.claim(.known("ended"), born: ended, kind: .answer)
            _ = try await two.append(.known("ended"), AppendRequest(end: EndRequest(.done), claim: endedClaim))
            let mine = try await one.put(.known("mine")).birth
            let mineClaim = try await one.claim(.known("mine"), born: mine, kind: .answer)
            try await bench.harness.bury(two)
            // Once, and how it is told everywhere.
            let end = try #require(try await one.info(.known("answer"))?.end)
            #expect(end.reason == .failed && end.detail == "interrupted")
            #expect(try await one.info(.known("ended"))?.end?.reason == .done)
            for text in ["shared", "mine", "torn", "leased"] {
                #expect(try await one.end(of: .known(text)) == nil)
            }
            try await one.add(.known("shared"), "a", claim: own)
            try await one.add(.known("mine"), "a", claim: mineClaim)
            #expect(try await one.append(.known("torn"), "a", claim: tornClaim) == .superseded)
            #expect(
                try await one.append(.known("answer"), "b", claim: answerClaim)
                    == .ended(end, tail: try await one.page(.known("answer")).last, producer: nil)
            )
            // Its label is free.
            _ = try await one.claim(.known("shared"), born: shared, label: "q")
            bench.time.advance(by: .seconds(8))
            #expect(try await one.end(of: .known("torn"))?.reason == .abandoned)
            #expect(try await one.end(of: .known("leased")) == nil)
            bench.time.advance(by: .seconds(13))
            #expect(try await one.end(of: .known("leased"))?.reason == .abandoned)
            #expect(try await one.end(of: .known("shared")) == nil)
            #expect(try await one.end(of: .known("mine")) == nil)
        },
        StoreCheck("an answer that is given back open ends as interrupted, with what it has") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name, StreamOptions(leaseSeconds: 60)).birth
            let claim = try await one.claim(name, born: birth, kind: .answer)
            try await one.add(name, "half", claim: claim)
            await one.release(claim, of: name, isTorn: false)
            let page = try await two.page(name)
            #expect(page.texts == ["half"] && page.end?.reason == .failed && page.end?.detail == "interrupted")
        },
    ]
}
