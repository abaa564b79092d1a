import ServerSentEvents
import StreamCore
import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("What a caller is told last")
struct ClosingEventsTests {
    @Test("nothing, where the provider has said its own last word or error", arguments: WireFormat.completions)
    func provider(format: WireFormat) {
        for end in [end(.done), end(.failed, "Overloaded"), end(.failed, "incomplete: max_output_tokens")] {
            let words = ClosingEvents.after(.ended(end), in: format, events: 3)
            #expect(words == SubscriptionPlan.ForeignEnd(bytes: [], isTorn: false))
        }
    }

    @Test(
        "an error as the provider would tell one, and a torn body, in every other case",
        arguments: WireFormat.completions
    )
    func torn(format: WireFormat) throws {
        let failures = RelayFailure.allCases.map { SubscriptionPlan.Conclusion.ended(end(.failed, $0.rawValue)) }
        let others: [SubscriptionPlan.Conclusion] = [
            .ended(end(.cancelled)), .ended(end(.abandoned)), .removed(.deleted), .removed(.expired),
            .unavailable(.draining), .unavailable(.store),
        ]
        for conclusion in failures + others {
            let words = ClosingEvents.after(conclusion, in: format, events: 3)
            #expect(words.isTorn)
            var parser = EventStreamParser()
            let outputs = try parser.parse(words.bytes)
            guard outputs.count == 1, case .event(let event) = outputs[0] else {
                Issue.record("\(conclusion): \(outputs)")
                continue
            }
            #expect(event.type == (format == .chat ? "message" : "error"))
            #expect(!(format == .responses) || event.data.contains("\"sequence_number\":3,"))
            // The relay itself, were it the caller, would take it for an error.
            var machine = ProviderEventMachine(format)
            _ = machine.received(event)
            #expect(machine.verdict?.reason == .failed)
            #expect(machine.verdict?.detail?.isEmpty == false)
        }
    }

    @Test(
        "the failure, where the answer has no event in which a provider could have told it",
        arguments: WireFormat.completions
    )
    func silent(format: WireFormat) {
        let words = ClosingEvents.after(
            .ended(end(.failed, "the upstream answered 500")),
            in: format,
            events: 0
        )
        #expect(words.isTorn)
        #expect(String(decoding: words.bytes, as: UTF8.self).contains("the upstream answered 500"))
    }

    private func end(_ reason: EndReason, _ detail: String? = nil) -> StreamEnd {
        StreamEnd(reason: reason, detail: detail, offset: Offset(milliseconds: 1, counter: 0))
    }
}
