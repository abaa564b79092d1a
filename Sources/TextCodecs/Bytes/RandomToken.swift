/// A name that nobody can guess, and that nobody else has.
@available(freshet 0.1, *)
package enum RandomToken {
    /// 128 random bits in hexadecimal.
    package static func text() -> String {
        var generator = SystemRandomNumberGenerator()
        return Hexadecimal.text((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
}
