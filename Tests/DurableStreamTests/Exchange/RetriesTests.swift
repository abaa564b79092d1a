import Testing

@testable import DurableStream

@Suite struct RetriesTests {
    @Test(arguments: [
        (Duration.seconds(-5), Duration.seconds(-1)), (.zero, .zero), (.seconds(Int64.max), .seconds(Int64.max)),
        (.milliseconds(250), .nanoseconds(1)), (.seconds(2), .seconds(7200)),
    ])
    func `Whatever waits are configured, one is between nothing and an hour`(base: Duration, maximum: Duration) {
        var retries = Retries(base: base, maximum: maximum, patience: nil, random: SystemRandomNumberGenerator())
        for failure in 0..<100 {
            let now = Duration.seconds(failure)
            let time = retries.failed(at: now)
            #expect(time.map { $0 >= now && $0 <= now + .seconds(3600) } == true)
        }
        #expect(retries.failures == 100)
    }

    @Test func `What a server asks for is the least, and a response begins the count anew`() {
        var retries = Retries(
            base: .milliseconds(100),
            maximum: .seconds(1),
            patience: .seconds(30),
            random: SystemRandomNumberGenerator()
        )
        let asked = retries.failed(atLeast: .seconds(9), at: .zero)
        #expect(asked == .seconds(9))
        let bounded = retries.failed(atLeast: .seconds(900), at: .seconds(9))
        #expect(bounded == .seconds(30))
        let over = retries.failed(at: .seconds(30))
        #expect(over == nil)
        retries.succeeded()
        #expect(retries.failures == 0)
        let anew = retries.failed(at: .seconds(40))
        #expect(anew.map { $0 <= .seconds(40) + .milliseconds(100) } == true)
    }
}
