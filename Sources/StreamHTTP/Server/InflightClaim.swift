/// Memory of what is in flight that stays in use for as long as this is there: what a call keeps of its body.
@available(freshet 0.1, *)
package final class InflightClaim: Sendable {
    private let budget: InflightBudget

    /// Nil where there is no room for so many bytes.
    package init?(_ bytes: Int, in budget: InflightBudget, from address: String) {
        self.budget = budget
        guard budget.claim(bytes, for: self, from: address) else { return nil }
    }

    deinit { budget.release(self) }
}
