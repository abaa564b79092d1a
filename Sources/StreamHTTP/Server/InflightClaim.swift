/// Memory of what is in flight that stays in use for as long as this is there: what a call keeps of its body.
package final class InflightClaim: Sendable {
    private let budget: InflightBudget

    /// Nil where there is no room for so many bytes.
    ///
    /// - Parameter counted: how many of them another holder counts too, and soon no more.
    package init?(_ bytes: Int, in budget: InflightBudget, from address: String, counted: Int = 0) {
        self.budget = budget
        guard budget.claim(bytes, for: self, from: address, counted: counted) else { return nil }
    }

    deinit { budget.release(self) }
}
