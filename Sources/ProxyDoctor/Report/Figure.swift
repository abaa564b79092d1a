/// A figure of a finding.
@available(freshet 0.1, *)
package enum Figure: Sendable, Equatable {
    case number(Double)
    case text(String)
    case flag(Bool)
    case list([String])

    package static func whole(_ number: Int) -> Figure { .number(Double(number)) }

    /// Milliseconds with one decimal.
    package static func milliseconds(_ number: Double) -> Figure { .number((number * 10).rounded() / 10) }
}
