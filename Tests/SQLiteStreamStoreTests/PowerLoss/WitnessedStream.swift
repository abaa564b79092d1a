import StoreSuite
import StreamCore

/// What was asked of a stream, what was acknowledged, and what anybody was shown.
struct WitnessedStream {
    struct Request {
        let texts: [String]
        var isAcknowledged = false
        /// Of the last event, when the acknowledgement said it.
        var tail: Offset?

        init(texts: [String], tail: Offset? = nil) {
            self.texts = texts
            self.tail = tail
        }
    }

    enum Step: Int { case no, asked, acknowledged }

    /// The most events retention keeps.
    let retained: Int?
    /// Where its log begins, for a fork: where that of its source does. Others begin with their birth.
    let floor: Offset?
    var birth: Offset?
    var requests: [Request] = []
    var shown: [Offset: String] = [:]
    var ending = Step.no
    var end: StreamEnd?
    var removal = Step.no

    init(retained: Int? = nil, floor: Offset? = nil, requests: [Request] = []) {
        self.retained = retained
        self.floor = floor
        self.requests = requests
    }

    /// What is wrong with what is kept of the stream, each for people to read.
    func problems(_ name: StreamName, _ kept: Kept?) -> [String] {
        if removal == .acknowledged { return kept == nil ? [] : ["\(name) was deleted and is back"] }
        guard let kept else {
            let isOwed = birth != nil || !shown.isEmpty || requests.contains(where: \.isAcknowledged)
            return isOwed && removal == .no ? ["the acknowledged stream \(name) is gone"] : []
        }
        var found: [String] = []
        if let birth, kept.info.birth != birth { found.append("was born elsewhere") }
        if retained == nil, kept.info.floor != floor ?? kept.info.birth { found.append("was trimmed") }
        if let end, kept.info.end != end { found.append("has lost its end \(end)") }
        if ending == .no, kept.info.end != nil { found.append("has ended by itself") }
        if kept.info.events != kept.events.count { found.append("counts \(kept.info.events) events") }
        let offsets = kept.events.map(\.offset)
        if zip(offsets, offsets.dropFirst()).contains(where: >=) { found.append("is out of order") }
        let texts = kept.events.map(\.text)
        if Set(texts).count != texts.count { found.append("holds an event twice") }
        let owed = requests.filter(\.isAcknowledged).reduce(0) { $0 + $1.texts.count }
        if let retained, kept.events.count < min(retained, owed) { found.append("was trimmed too far") }
        found += missing(kept)
        return found.map { "\(name) \($0)" }
    }

    private func missing(_ kept: Kept) -> [String] {
        var found: [String] = []
        let floor = kept.info.floor
        let places = Dictionary(
            kept.events.enumerated().map { ($1.text, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var known = 0
        for request in requests {
            let present = request.texts.filter { places[$0] != nil }
            known += present.count
            let name = request.texts[0]
            if present.isEmpty {
                let isTrimmed = retained != nil && (request.tail.map { $0 <= floor } ?? true)
                if request.isAcknowledged, !isTrimmed { found.append("has lost the acknowledged \(name)") }
                continue
            }
            // All of a request or nothing, but for what retention took from the start.
            let run = present.compactMap { places[$0] }
            let isCut = present.count < request.texts.count
            let isFirst = present.last == request.texts.last && run.first == 0
            if isCut, retained == nil || !isFirst { found.append("holds a part of \(name)") }
            if zip(run, run.dropFirst()).contains(where: { $1 != $0 + 1 }) { found.append("mixed up \(name)") }
            if let tail = request.tail, let last = run.last, kept.events[last].offset != tail {
                found.append("moved \(name)")
            }
        }
        if known != kept.events.count { found.append("holds what nobody wrote") }
        let byOffset = Dictionary(kept.events.map { ($0.offset, $0.text) }, uniquingKeysWith: { first, _ in first })
        for (offset, text) in shown where offset > floor || retained == nil {
            if byOffset[offset] != text { found.append("has lost \(text), which was shown") }
        }
        return found
    }

    /// All that is kept of a stream.
    struct Kept {
        let info: StreamInfo
        let events: [StreamEvent]

        init?(_ store: some StreamStore, _ name: StreamName) async throws {
            guard let info = try await store.info(name) else { return nil }
            var events: [StreamEvent] = []
            var position = ReadPosition.start
            while true {
                let page = try await store.page(name, from: position)
                events += page.events
                if page.isAtTail || page.events.isEmpty { break }
                position = .after(page.last)
            }
            self.info = info
            self.events = events
        }
    }
}
