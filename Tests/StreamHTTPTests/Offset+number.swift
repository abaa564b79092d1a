import StreamCore

extension Offset {
    /// The offset a test calls by a number.
    init(_ number: Int) { self.init(milliseconds: 1000, counter: UInt32(number)) }
}

extension StreamEvent {
    init(_ number: Int, _ data: String, type: String? = nil) {
        self.init(offset: Offset(number), body: EventBody(type: type, data: Array(data.utf8)))
    }
}
