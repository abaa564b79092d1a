import Testing

@testable import FreshetHooks

@Suite("Retry-After of a hook's receiver")
struct RetryAfterTests {
    private static let now: UInt64 = 784_111_777
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    private func delay(_ value: String?, date: String? = nil) -> Duration? {
        RetryAfter(value, date: date, now: Self.now, status: 503)?.delay
    }

    @Test("is seconds, or a date")
    func forms() {
        #expect(delay("0") == .zero && delay("120") == .seconds(120))
        #expect(delay("Sun, 06 Nov 1994 08:50:37 GMT") == .seconds(60))
        #expect(delay(Self.date) == .zero && delay("Sun, 06 Nov 1994 08:49:36 GMT") == .zero)
    }

    @Test("is counted from the date of the answer, whatever our clock says")
    func otherClock() {
        #expect(delay("Mon, 07 Nov 1994 08:50:00 GMT", date: "Mon, 07 Nov 1994 08:49:00 GMT") == .seconds(60))
        #expect(delay("Sun, 06 Nov 1994 08:50:37 GMT", date: "today") == .seconds(60))
    }

    @Test("of a size that no number has asks for long, and what cannot be read for nothing")
    func odd() throws {
        let long = try #require(delay(String(repeating: "9", count: 400)))
        #expect(long > .seconds(3_000_000_000))
        for text in ["", "-1", "+5", "1.5", "soon", "5 s"] { #expect(delay(text) == nil, "\(text)") }
        #expect(delay(nil) == nil)
    }

    @Test("is about all calls with 429 and 503, and about one with other statuses")
    func reach() {
        for (status, isOfAll) in [(429, true), (503, true), (413, false), (500, false), (302, false)] {
            #expect(RetryAfter("1", date: nil, now: 0, status: UInt(status))?.isOfAll == isOfAll)
        }
    }
}
