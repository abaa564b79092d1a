import Testing

@testable import StreamHTTP

@Suite("A date of HTTP")
struct HTTPDateTests {
    @Test("is read in the three forms that there are")
    func forms() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(HTTPDate.secondsSince1970(text) == 784_111_777, "\(text)")
        }
        #expect(HTTPDate.secondsSince1970("Sunday, 06-Nov-26 08:49:37 GMT") == 1_793_954_977)
    }

    @Test("is read as it is written")
    func written() {
        for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_795_995_012, 4_102_444_799] as [UInt64] {
            #expect(HTTPDate.secondsSince1970(HTTPDate.text(secondsSince1970: seconds)) == seconds)
        }
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "1994-11-06T08:49:37Z",
        ]
    )
    func refused(_ text: String) {
        #expect(HTTPDate.secondsSince1970(text) == nil)
    }
}
