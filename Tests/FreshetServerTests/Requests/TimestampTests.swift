import Testing

@testable import FreshetServer

@Suite("Times as in RFC 3339")
struct TimestampTests {
    @Test(
        "are read to the millisecond, in any zone",
        arguments: [
            ("2027-01-15T08:00:00Z", 1_800_000_000_000), ("2027-01-15t08:00:00z", 1_800_000_000_000),
            ("2027-01-15 09:30:00+01:30", 1_800_000_000_000), ("2027-01-15T07:00:00-01:00", 1_800_000_000_000),
            ("2027-01-15T08:00:00.5Z", 1_800_000_000_500), ("2027-01-15T08:00:00.123456789Z", 1_800_000_000_123),
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] as [(String, UInt64)]
    )
    func reading(text: String, milliseconds: UInt64) {
        #expect(Timestamp.milliseconds(fromRFC3339: text) == milliseconds)
    }

    @Test(
        "and nothing else is one",
        arguments: [
            "", "2027-01-15", "2027-01-15T08:00:00", "2027-1-15T08:00:00Z", "2027-13-15T08:00:00Z",
            "2027-02-29T08:00:00Z", "2100-02-29T08:00:00Z", "2027-01-15T24:00:00Z", "2027-01-15T08:60:00Z",
            "2027-01-15T08:00:61Z", "2016-12-31T23:59:60Z", "2017-01-01T00:59:60.5+01:00", "2027-01-15T08:00:00.Z",
            "2027-01-15T08:00:00Zx", "2027-01-15T08:00:00+1:00",
            "2027-01-15T08:00:00+24:00", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "+027-01-15T08:00:00Z",
            "٢٠٢٧-01-15T08:00:00Z",
        ]
    )
    func refusing(text: String) {
        #expect(Timestamp.milliseconds(fromRFC3339: text) == nil)
    }

    @Test("are written in UTC", arguments: [0, 1_800_000_000_000, 1_800_000_000_007, 951_782_399_999] as [UInt64])
    func writing(milliseconds: UInt64) {
        let text = Timestamp.text(milliseconds: milliseconds)
        #expect(text.hasSuffix("Z"))
        #expect(Timestamp.milliseconds(fromRFC3339: text) == milliseconds)
        #expect(Timestamp.text(milliseconds: 1_800_000_000_007) == "2027-01-15T08:00:00.007Z")
    }
}
