import StreamCore
package import StreamHTTP

/// Which streams a list shows, in what order, and what of them, beyond how their names begin: `state`, `search`, `sort`
/// and `figures` of `GET /v1/streams`.
@available(freshet 0.1, *)
struct StreamSelection: Sendable, Equatable {
    enum State: String, Sendable, CaseIterable {
        case open, ended
    }

    enum Key: String, Sendable, CaseIterable {
        case name, created, updated, events, bytes, readers
    }

    /// Where a stream stands in the list, and what `next` says of the last one on a page.
    struct Place: Sendable, Equatable {
        var value: Int
        var name: String
    }

    var state: State?
    /// What is somewhere in the name, as bytes in which the letters of ASCII are small.
    private var search: [UInt8] = []
    var key = Key.name
    var isDescending = false
    /// Whether what the relay measured of an answer is told too.
    var hasFigures = false
    /// The list goes on behind it.
    var cursor: Place?

    /// Nil where the query asks for none of them.
    init?(_ target: RequestTarget) throws(Problem) {
        let (state, sort) = (target.values("state").first, target.values("sort").first)
        let (search, figures) = (target.values("search").first, target.values("figures").first)
        guard state != nil || sort != nil || search != nil || figures != nil else { return nil }
        if let search { self.search = Self.smallLetters(search) }
        if let figures {
            guard figures == "relay" else { throw .badParameter("figures", "`relay`") }
            hasFigures = true
        }
        if let state {
            guard let known = State(rawValue: state) else { throw .badParameter("state", Self.words(State.self)) }
            self.state = known
        }
        if let sort {
            let isDescending = sort.utf8.first == UInt8(ascii: "-")
            guard let key = Key(rawValue: isDescending ? String(sort.dropFirst()) : sort) else {
                throw .badParameter("sort", "\(Self.words(Key.self)), or one of them behind a - for the reverse order")
            }
            (self.key, self.isDescending) = (key, isDescending)
        }
        if let cursor = target.values("cursor").first {
            guard let place = Place(cursor) else { throw .badParameter("cursor", "what `next` said") }
            self.cursor = place
        }
    }

    /// Whether the list is in the order of the names, so that what was looked at first stands first.
    var isByName: Bool { key == .name && !isDescending }

    /// The name behind which the streams begin that the list may show; nil for all of them.
    var firstName: String? { isByName ? cursor?.name : nil }

    /// Whether it comes before: equal ones are in the order of their names.
    func precedes(_ one: Place, _ other: Place) -> Bool {
        if one.value != other.value { return (one.value < other.value) != isDescending }
        let isReversed = isDescending && key == .name
        let (first, second) = isReversed ? (other.name, one.name) : (one.name, other.name)
        return first.utf8.lexicographicallyPrecedes(second.utf8)
    }

    /// Where a stream stands; nil where the list does not show it.
    func place(of info: StreamInfo, readers: () -> Int) -> Place? {
        if let state, (state == .ended) != (info.end != nil) { return nil }
        if !search.isEmpty, Self.smallLetters(info.name.text).firstRange(of: search) == nil { return nil }
        let value =
            switch key {
            case .name: 0
            case .created: Int(info.birth.milliseconds)
            case .updated: Int(info.updatedMilliseconds)
            case .events: info.events
            case .bytes: info.bytes
            case .readers: readers()
            }
        let place = Place(value: value, name: info.name.text)
        return cursor.map { precedes($0, place) } ?? true ? place : nil
    }

    private static func smallLetters(_ text: String) -> [UInt8] {
        text.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
    }

    private static func words<Word: RawRepresentable<String> & CaseIterable>(_ type: Word.Type) -> String {
        type.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    }
}

@available(freshet 0.1, *)
extension StreamSelection.Place {
    /// What `text` says; nil for anything else.
    init?(_ text: String) {
        // A name may begin with a combining mark, which with the full stop is one character.
        guard let stop = text.utf8.firstIndex(of: UInt8(ascii: ".")), let value = Int(text[..<stop]), value >= 0 else {
            return nil
        }
        self.init(value: value, name: String(text[text.utf8.index(after: stop)...]))
    }

    var text: String { "\(value).\(name)" }
}

@available(freshet 0.1, *)
extension StreamInfo {
    /// When it got its last event or its end, or was created, in milliseconds since 1970.
    var updatedMilliseconds: UInt64 { max(birth, tail, end?.offset ?? birth).milliseconds }
}

@available(freshet 0.1, *)
extension RequestTarget {
    /// How many a page of a list holds at most: `limit`, or as many as a page may hold.
    package func pageLimit(most: Int) throws(Problem) -> Int {
        guard let text = values("limit").first else { return most }
        guard let limit = Int(text), 1...most ~= limit else {
            throw .badParameter("limit", "a whole number from 1 to \(most)")
        }
        return limit
    }
}

@available(freshet 0.1, *)
extension Problem {
    package static func badParameter(_ name: String, _ allowed: String) -> Problem {
        Problem(400, "bad-parameter", title: "Invalid query parameter", detail: "`\(name)` must be \(allowed).")
    }
}
