/// One scalar beyond ASCII while its bytes arrive: the well-formed sequences of the Unicode Standard, table 3-7.
struct UTF8Sequence: Sendable {
    private var missing: Int
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF
    private var value: UInt32

    /// Begins with a first byte; nil if no sequence begins with it.
    init?(first byte: UInt8) {
        switch byte {
        case 0xC2...0xDF: (missing, value) = (1, UInt32(byte & 0x1F))
        case 0xE0...0xEF: (missing, value) = (2, UInt32(byte & 0x0F))
        case 0xF0...0xF4: (missing, value) = (3, UInt32(byte & 0x07))
        default: return nil
        }
        switch byte {
        case 0xE0: allowed = 0xA0...0xBF
        case 0xED: allowed = 0x80...0x9F
        case 0xF0: allowed = 0x90...0xBF
        case 0xF4: allowed = 0x80...0x8F
        default: break
        }
    }

    /// Takes the next byte unless it cannot stand there.
    mutating func take(_ byte: UInt8) -> Bool {
        guard allowed.contains(byte) else { return false }
        allowed = 0x80...0xBF
        missing -= 1
        value = value << 6 | UInt32(byte & 0x3F)
        return true
    }

    var isWhole: Bool { missing == 0 }

    /// The scalar, once whole.
    var scalar: Unicode.Scalar? { isWhole ? Unicode.Scalar(value) : nil }
}
