import Testing

@testable import FreshetCLI

@Suite struct MeasurementsTests {
    @Test func `latencies are of what was due in the measured part, whenever it came`() {
        let measurements = Measurements()
        measurements.measure(from: 1000, until: 2000)
        measurements.record(.delivery, from: 999, to: 1_500_000)
        measurements.record(.delivery, from: 1000, to: 5_001_000)
        measurements.record(.delivery, from: 1999, to: 90_001_999)
        measurements.record(.delivery, from: 2000, to: 2000)
        let histogram = measurements.histogram(.delivery)
        #expect(histogram.count == 2)
        #expect(histogram.minimum == 5000)
        #expect(histogram.maximum == 90_000)
    }

    @Test func `counts tell the whole run and the measured part`() {
        let measurements = Measurements()
        measurements.count(.received, at: 10)
        measurements.measure(from: 1000, until: 2000)
        measurements.count(.received, 3, at: 1500)
        measurements.count(.received, at: 2000)
        #expect(measurements.count(.received) == Measurements.Count(all: 5, measured: 3))
    }

    @Test func `nothing counts once the run is over`() {
        let measurements = Measurements()
        measurements.measure(from: 0, until: 100)
        measurements.fail("one")
        measurements.end()
        measurements.fail("another")
        measurements.count(.received, at: 50)
        measurements.record(.delivery, from: 50, to: 60)
        #expect(measurements.errors == ["one": 1])
        #expect(measurements.count(.received).all == 0)
        #expect(measurements.histogram(.delivery).count == 0)
    }

    @Test func `kinds of errors are bounded, their number is not`() {
        let measurements = Measurements()
        for number in 0..<100 { measurements.fail("kind \(number)") }
        measurements.fail("kind 0", 5)
        #expect(measurements.errors.count == Measurements.mostKinds + 1)
        #expect(measurements.errors["others"] == 80)
        #expect(measurements.errors["kind 0"] == 6)
    }

    @Test func `processors are those of the measured part`() {
        let measurements = Measurements()
        measurements.measure(from: 1_000_000_000, until: 3_000_000_000)
        measurements.note(processorSeconds: 1, at: 500_000_000)
        #expect(measurements.processors == 0)
        measurements.note(processorSeconds: 4, at: 1_000_000_000)
        measurements.note(processorSeconds: 5, at: 2_000_000_000)
        measurements.note(processorSeconds: 9, at: 4_000_000_000)
        #expect(measurements.processors == 1)
    }

    @Test(
        arguments: [
            (ClientLoad(processors: 0.5, threads: 1, loopLagP99: 1, latenessP99: 1), []),
            (ClientLoad(processors: 0.95, threads: 1, loopLagP99: 1, latenessP99: 1), ["used 0.95 processors"]),
            (ClientLoad(processors: 0.95, threads: 2, loopLagP99: 1, latenessP99: 1), []),
            (ClientLoad(processors: 0.1, threads: 1, loopLagP99: 12, latenessP99: 1), ["loops"]),
            (ClientLoad(processors: 0.1, threads: 1, loopLagP99: 1, latenessP99: 12), ["schedule"]),
            (ClientLoad(processors: 2, threads: 1, loopLagP99: 20, latenessP99: 12), ["used", "loops", "schedule"]),
        ] as [(ClientLoad, [String])]
    )
    func `a client that was the limit says why`(load: ClientLoad, why: [String]) {
        #expect(load.limits.count == why.count)
        for (limit, part) in zip(load.limits, why) { #expect(limit.contains(part)) }
    }
}
