import StreamCore

/// The first streams of a list, out of all that are looked at. It never holds more than twice as many.
@available(freshet 0.1, *)
struct FirstStreams {
    private let selection: StreamSelection
    private let limit: Int
    private var found: [(place: StreamSelection.Place, info: StreamInfo)] = []
    /// The last one that may be on the page, as far as is known; nil while all are.
    private var bound: StreamSelection.Place?

    init(_ selection: StreamSelection, limit: Int) {
        self.selection = selection
        self.limit = limit
    }

    /// Whether those that are looked at later come later in the list too, and there are enough.
    var isComplete: Bool { selection.isByName && found.count > limit }

    mutating func look(at info: StreamInfo, readers: () -> Int) {
        guard let place = selection.place(of: info, readers: readers),
            bound.map({ selection.precedes(place, $0) }) ?? true
        else { return }
        found.append((place, info))
        if found.count >= 2 * limit { cut() }
    }

    /// The page, and the last one on it where others follow.
    mutating func page() -> (streams: [StreamInfo], next: StreamSelection.Place?) {
        let isMore = bound != nil || found.count > limit
        cut()
        return (found.map { $0.info }, isMore ? found.last?.place : nil)
    }

    private mutating func cut() {
        let selection = selection
        found.sort { selection.precedes($0.place, $1.place) }
        guard found.count > limit else { return }
        found.removeLast(found.count - limit)
        bound = found.last?.place
    }
}
