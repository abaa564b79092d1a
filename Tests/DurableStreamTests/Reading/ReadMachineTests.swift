import EventSource
import Testing

@testable import DurableStream

/// Always the highest value of a range.
private struct Highest: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}

private typealias Machine = ReadMachine<Highest>

/// When a reader comes back.
@Suite struct ReadMachineTests {
    private func machine(
        live: DurableStream.Live = .longPoll,
        _ change: (inout DurableStream.ReadOptions) -> Void = { _ in }
    ) throws -> Machine {
        var options = DurableStream.ReadOptions(live: live)
        options.pageEvents = nil
        change(&options)
        var machine = Machine(
            target: try #require(Target("http://h/s?key=1")),
            from: .start,
            options: options,
            configuration: .init(),
            random: Highest()
        )
        let first = machine.request(at: .zero)
        #expect(first == .init(url: "http://h/s?key=1&offset=-1", form: .catchUp))
        return machine
    }

    private func page(_ offset: String) -> StreamResponse {
        StreamResponse(
            status: 200,
            headers: ["Stream-Next-Offset": offset, "Stream-Up-To-Date": "true", "Content-Type": "text/plain"]
        )
    }

    /// A machine that has read up to offset 5, and follows since 10 s.
    private func following(_ live: DurableStream.Live) throws -> Machine {
        var machine = try machine(live: live)
        _ = machine.opened(page("5"), at: .seconds(10))
        let (chunk, next) = machine.collected([65], at: .seconds(10))
        #expect(chunk?.bytes == [65])
        guard case .send = next else {
            Issue.record("not followed: \(next)")
            return machine
        }
        return machine
    }

    @Test func `A long-poll that waited is asked again at once, and one that did not after a second`() throws {
        let nothing = StreamResponse(
            status: 204,
            headers: ["Stream-Next-Offset": "9", "Stream-Up-To-Date": "true", "Stream-Cursor": "3"]
        )
        for (waited, isSlow) in [(20, true), (1, true), (0, false)] {
            var machine = try following(.longPoll)
            let (chunk, next) = machine.answered(nothing, at: .seconds(10 + waited))
            // Its own position stays: what is between it and the tail is still to be read.
            #expect(chunk == nil)
            let again = Machine.Request(url: "http://h/s?key=1&cursor=3&live=long-poll&offset=5", form: .longPoll)
            #expect(next == (isSlow ? .send(again) : .wait(until: .seconds(11))))
            let request = machine.request(at: .seconds(11))
            #expect(request == again)
        }
    }

    @Test func `An event stream that ends is asked again at once, and one that ends too soon after a second`() throws {
        for (waited, isSlow) in [(60, true), (0, false)] {
            var machine = try following(.serverSentEvents)
            let action = machine.opened(
                StreamResponse(status: 200, headers: ["Content-Type": "text/event-stream"]),
                at: .seconds(10)
            )
            #expect(action == .follow)
            let next = machine.ended(.endOfBody, at: .seconds(10 + waited))
            let again = Machine.Request(url: "http://h/s?key=1&live=sse&offset=5", form: .serverSentEvents)
            #expect(next == (isSlow ? .send(again) : .wait(until: .seconds(11))))
        }
    }

    @Test func `Failures are waited for longer and longer, and a response ends that`() throws {
        var machine = try machine()
        var delays: [Duration] = []
        var now = Duration.zero
        for _ in 0..<8 {
            guard case .wait(let until) = machine.failed("refused", at: now) else { break }
            delays.append(until - now)
            now = until
            _ = machine.request(at: now)
        }
        #expect(delays == [250, 500, 1000, 2000, 4000, 8000, 15000, 15000].map { Duration.milliseconds($0) })
        _ = machine.opened(page("5"), at: now)
        _ = machine.collected([65], at: now)
        let next = machine.failed("refused", at: now)
        #expect(next == .wait(until: now + .milliseconds(250)))
    }

    @Test func `A server that asks for a longer wait gets it, up to where the reader gives up`() throws {
        let busy = StreamResponse(status: 503, headers: ["Retry-After": "60"])
        var patient = try machine()
        let wait = patient.answered(busy, at: .zero).next
        #expect(wait == .wait(until: .seconds(60)))
        var hasty = try machine { $0.givesUpAfter = .seconds(10) }
        let last = hasty.answered(busy, at: .seconds(1)).next
        #expect(last == .wait(until: .seconds(11)))
        _ = hasty.request(at: .seconds(11))
        guard case .fail(let error) = hasty.answered(busy, at: .seconds(11)).next else {
            Issue.record("not given up")
            return
        }
        #expect(error.code == .unreachable)
        #expect(error.message == "http://h/s?key=1: gave up after 10 s: the server answered 503")
    }

    @Test func `That retention has trimmed the start is told with what is left`() throws {
        var machine = try machine()
        var response = page("5")
        response.headers.append((name: "Stream-Gap", value: "true"))
        _ = machine.opened(response, at: .zero)
        let chunk = machine.collected([65], at: .zero).chunk
        #expect(chunk?.isAfterGap == true)
    }
}
