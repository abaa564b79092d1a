import StoreSuite

/// The many ways in which a name can be written into a URL.
struct NameSpelling {
    private var random: SeededRandom
    let isAbsolute: Bool

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        isAbsolute = Bool.random(using: &random)
    }

    /// In a path: what needs no encoding stands for itself or is encoded, as it comes.
    mutating func path(_ name: String) -> String {
        var text = ""
        let mayBeRaw = Int.random(in: 0..<8, using: &random) == 0
        for scalar in name.unicodeScalars {
            let isPlain = Self.isUnreserved(scalar) || scalar == "/" || (mayBeRaw && scalar.value > 0xA0)
            if isPlain, Int.random(in: 0..<6, using: &random) > 0 {
                text.unicodeScalars.append(scalar)
            } else {
                encode(scalar, into: &text)
            }
        }
        return text
    }

    /// In a query, or in a field: only what needs none stands for itself.
    mutating func field(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars {
            if Self.isUnreserved(scalar) || scalar == "/" {
                text.unicodeScalars.append(scalar)
            } else {
                encode(scalar, into: &text)
            }
        }
        return text
    }

    private mutating func encode(_ scalar: Unicode.Scalar, into text: inout String) {
        let isUpper = Bool.random(using: &random)
        for byte in String(scalar).utf8 {
            let digits = String(byte, radix: 16, uppercase: isUpper)
            text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
        }
    }

    private static func isUnreserved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": true
        default: false
        }
    }
}
