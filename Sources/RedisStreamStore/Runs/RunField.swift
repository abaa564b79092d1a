/// The name of the one field of a run: how many events it has, and how many bytes they count.
@available(freshet 0.1, *)
struct RunField {
    var events: Int
    var bytes: Int

    /// `<events>:<bytes>`, both decimal; nil when it is not that.
    init?(_ text: some Collection<UInt8>) {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), let events = Self.number(text[..<colon]), events > 0,
            let bytes = Self.number(text[text.index(after: colon)...])
        else { return nil }
        self.events = events
        self.bytes = bytes
    }

    /// A decimal number of no more than nine digits, which no count of a run has.
    static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count < 10 else { return nil }
        var value = 0
        for byte in digits {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }
}
