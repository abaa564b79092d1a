import StreamCore

/// What is left of a page's limit while it fills.
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

    /// The events after an offset that still fit. The first of a page always does.
    mutating func take(_ log: some RandomAccessCollection<StreamEvent>, after offset: Offset) -> [StreamEvent] {
        var taken: [StreamEvent] = []
        var index = log.startIndex
        var count = log.count
        // The first event after the offset.
        while count > 0 {
            let half = count / 2
            let middle = log.index(index, offsetBy: half)
            if log[middle].offset <= offset {
                index = log.index(after: middle)
                count -= half + 1
            } else {
                count = half
            }
        }
        while index != log.endIndex, !isSpent {
            let event = log[index]
            bytes -= event.body.size
            guard bytes >= 0 || isEmpty else {
                isSpent = true
                break
            }
            isEmpty = false
            events -= 1
            taken.append(event)
            if events == 0 { isSpent = true }
            log.formIndex(after: &index)
        }
        return taken
    }
}

extension PageLimit {
    var budget: PageBudget { PageBudget(self) }
}
