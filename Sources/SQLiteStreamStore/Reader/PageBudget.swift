import StreamCore

/// What is left of a page's limit while it fills.
@available(freshet 0.1, *)
struct PageBudget {
    private var events: Int
    private var bytes: Int
    private var isEmpty = true
    private(set) var isSpent = false

    init(_ limit: PageLimit) {
        events = limit.events
        bytes = limit.bytes
        isSpent = limit.events <= 0
    }

    /// The events after an offset that still fit.
    mutating func take(_ log: EventLog, after offset: Offset) -> [StreamEvent] {
        take(log.events(after: offset).lazy.map(\.event))
    }

    /// The events that still fit. The first of a page always does.
    mutating func take(_ log: some Sequence<StreamEvent>) -> [StreamEvent] {
        var taken: [StreamEvent] = []
        guard !isSpent else { return taken }
        for event in log {
            bytes -= event.body.size
            guard bytes >= 0 || isEmpty else {
                isSpent = true
                break
            }
            isEmpty = false
            events -= 1
            taken.append(event)
            if events == 0 {
                isSpent = true
                break
            }
        }
        return taken
    }
}

@available(freshet 0.1, *)
extension PageLimit {
    var budget: PageBudget { PageBudget(self) }
}
