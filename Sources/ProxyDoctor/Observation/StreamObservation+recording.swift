import ContentCodings
import Foundation
package import ProbeProtocol
import ServerSentEvents

@available(freshet 0.1, *)
extension StreamObservation {
    /// Reads what was recorded of a probe.
    package init(plan: ProbePlan, acceptEncoding: String?, recording: Recording) {
        self.init(
            plan: plan,
            acceptEncoding: acceptEncoding,
            sentAt: recording.sentAt,
            head: recording.head,
            headAt: recording.headAt,
            end: recording.end,
            endAt: recording.endAt
        )
        if let head, head.status >= 400 {
            refusal = Refusal(
                status: head.status,
                body: head.coding.flatMap { Decompression.of($0) }?.inflate(recording.body) ?? recording.body
            )
        }
        guard isProbe else { return }
        let coding = head?.coding
        let inflater = coding.flatMap { Decompression.of($0) }
        isReadable = coding == nil || inflater != nil
        var parser = EventStreamParser()
        for piece in recording.pieces {
            let bytes = inflater?.inflate(piece.bytes) ?? piece.bytes
            flow.append(Flow(at: piece.at, bytes: bytes.count))
            guard isReadable, let outputs = try? parser.parse(bytes) else { continue }
            for case .event(let event) in outputs { read(event, at: piece.at) }
        }
        if inflater?.isBroken == true {
            // What it says it is coded with is not so, or this machine's library does not know it: its pieces are left.
            isReadable = false
            (meta, events, hasEnd) = (nil, [], false)
            flow = recording.pieces.map { Flow(at: $0.at, bytes: $0.bytes.count) }
        }
    }

    private mutating func read(_ event: ServerSentEvent, at moment: Double) {
        switch event.type {
        case "meta":
            meta = try? JSONDecoder().decode(ProbeMeta.self, from: Data(event.data.utf8))
        case "end":
            hasEnd = true
        default:
            let words = event.data.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let index = Int(words[0]), let sent = Double(words[1]) else { return }
            events.append(Event(index: index, sentAt: sent, at: moment))
        }
    }
}
