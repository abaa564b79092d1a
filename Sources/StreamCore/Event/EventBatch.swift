/// Events in one buffer: beside its bytes an event costs its place in a flat array, so that a body of tiny events costs
/// little more than the body.
///
/// A slice shares the buffer, and its indices are those of the whole.
@available(freshet 0.1, *)
package struct EventBatch: Sendable {
    /// An event that has a type, and how many of its bytes that is.
    private struct Typed: Sendable {
        var index: UInt32
        var length: UInt32
    }

    /// For each event the bytes of its type, if it has one, and its data.
    private var bytes: [UInt8]
    /// Where each event ends. Empty where all bytes are one event, which is most batches.
    private var ends: [UInt32]
    private var typed: [Typed]
    private var lower: UInt32
    private var upper: UInt32

    package init() {
        bytes = []
        ends = []
        typed = []
        lower = 0
        upper = 0
    }

    /// One event, in the buffer it came in.
    package init(_ body: EventBody) {
        self.init()
        upper = 1
        guard let type = body.type else {
            bytes = body.data
            return
        }
        bytes.reserveCapacity(body.size)
        bytes.append(contentsOf: type.utf8)
        bytes.append(contentsOf: body.bytes)
        typed = [Typed(index: 0, length: UInt32(type.utf8.count))]
    }

    package init(_ bodies: some Collection<EventBody>) {
        guard bodies.count != 1, let first = bodies.first else {
            self = bodies.first.map { EventBatch($0) } ?? EventBatch()
            return
        }
        self.init()
        reserveCapacity(events: bodies.count, bytes: bodies.reduce(0) { $0 + $1.size })
        append(first)
        for body in bodies.dropFirst() { append(body) }
    }

    package mutating func reserveCapacity(events: Int, bytes count: Int) {
        ends.reserveCapacity(events)
        bytes.reserveCapacity(count)
    }

    package mutating func append(_ body: EventBody) {
        append(type: body.type) { $0.append(contentsOf: body.bytes) }
    }

    package mutating func append(_ data: some Sequence<UInt8>) {
        append(type: nil) { $0.append(contentsOf: data) }
    }

    package mutating func append(contentsOf other: EventBatch) {
        guard !isEmpty else { return self = other }
        for body in other { append(body) }
    }

    /// Appends an event whose data is written to the end of the buffer.
    package mutating func append(type: String?, _ write: (inout [UInt8]) -> Void) {
        makeWhole()
        if let type {
            typed.append(Typed(index: upper, length: UInt32(type.utf8.count)))
            bytes.append(contentsOf: type.utf8)
        }
        write(&bytes)
        close()
    }

    /// Appends an event that is looked at where it stands in the buffer. One that is refused leaves nothing behind.
    package mutating func append<Failure: Error>(
        _ data: some Sequence<UInt8>,
        checkedBy check: ([UInt8], Range<Int>) throws(Failure) -> Void
    ) throws(Failure) {
        makeWhole()
        let start = bytes.count
        // As one piece where it is one, and not byte by byte.
        if data.withContiguousStorageIfAvailable({ bytes.append(contentsOf: $0) }) == nil {
            bytes.append(contentsOf: data)
        }
        do throws(Failure) {
            try check(bytes, start..<bytes.count)
        } catch {
            bytes.removeSubrange(start...)
            throw error
        }
        close()
    }

    /// What was written since the last event is one.
    private mutating func close() {
        precondition(bytes.count <= UInt32.max, "a batch of events is less than 4 GiB")
        if upper > 0 { ends.append(UInt32(bytes.count)) }
        upper += 1
    }

    /// Events as another batch's `contents` and lengths have them.
    ///
    /// - Parameters:
    ///   - contents: of each event the bytes of its type, if it has one, and its data, and nothing else.
    ///   - lengths: how many bytes that is for each, and how many of them are its type; at least one event.
    package init(contents: [UInt8], lengths: [(size: Int, type: Int?)]) {
        self.init()
        bytes = contents
        var end = 0
        if lengths.count > 1 { ends.reserveCapacity(lengths.count) }
        for (size, type) in lengths {
            end += size
            if let type { typed.append(Typed(index: upper, length: UInt32(type))) }
            if lengths.count > 1 { ends.append(UInt32(end)) }
            upper += 1
        }
        precondition(end == contents.count && end <= UInt32.max, "the lengths are those of the contents")
    }

    /// The events in one piece: of each the bytes of its type, if it has one, and its data.
    package var contents: ArraySlice<UInt8> {
        isEmpty ? [] : bytes[start(of: startIndex)..<end(of: endIndex - 1)]
    }

    /// What the events count against a bound on bytes.
    package var size: Int { isEmpty ? 0 : end(of: endIndex - 1) - start(of: startIndex) }

    package func size(at index: Int) -> Int { end(of: index) - start(of: index) }

    /// Whether much of the buffer is of events that are not in this slice.
    package var isMostlyUnused: Bool { bytes.count > 4096 && size < bytes.count / 2 }

    /// The same events, in memory that they fill.
    package var fitted: EventBatch {
        func isLoose<Element>(_ array: [Element]) -> Bool {
            (array.capacity - array.count) * MemoryLayout<Element>.stride > 1024 && array.capacity > array.count / 8 * 9
        }
        guard isLoose(bytes) || isLoose(ends) || isLoose(typed) else { return self }
        var batch = self
        batch.bytes = Self.copy(bytes)
        batch.ends = Self.copy(ends)
        batch.typed = Self.copy(typed)
        return batch
    }

    private static func copy<Element>(_ array: [Element]) -> [Element] {
        Array(unsafeUninitializedCapacity: array.count) { buffer, count in
            count = buffer.initialize(fromContentsOf: array)
        }
    }

    /// The same events in a buffer that holds nothing else. Their indices are others.
    package var compacted: EventBatch {
        var batch = EventBatch()
        batch.reserveCapacity(events: count, bytes: size)
        for body in self { batch.append(body) }
        return batch
    }

    /// Makes room behind the last event: what else is in the buffer is not this batch's.
    private mutating func makeWhole() {
        if isEmpty {
            if upper > 0 || !bytes.isEmpty { self = EventBatch() }
            return
        }
        if upper < ends.count { self = compacted }
        if ends.isEmpty { ends.append(UInt32(bytes.count)) }
    }

    private func start(of index: Int) -> Int { index == 0 ? 0 : Int(ends[index - 1]) }
    private func end(of index: Int) -> Int { ends.isEmpty ? bytes.count : Int(ends[index]) }

    /// How many of an event's bytes are its type; nil when it has none.
    package func typeLength(at index: Int) -> Int? {
        guard !typed.isEmpty else { return nil }
        var low = 0
        var high = typed.count
        while low < high {
            let middle = (low + high) / 2
            if typed[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low < typed.count && typed[low].index == index ? Int(typed[low].length) : nil
    }
}

@available(freshet 0.1, *)
extension EventBatch: RandomAccessCollection {
    package var startIndex: Int { Int(lower) }
    package var endIndex: Int { Int(upper) }

    package subscript(index: Int) -> EventBody {
        precondition(index >= lower && index < upper, "no such event in the batch")
        let start = start(of: index)
        let end = end(of: index)
        guard let length = typeLength(at: index) else {
            return EventBody(type: nil, bytes: bytes[start..<end])
        }
        let type = String(decoding: bytes[start..<start + length], as: UTF8.self)
        return EventBody(type: type, bytes: bytes[start + length..<end])
    }

    package subscript(bounds: Range<Int>) -> EventBatch {
        precondition(bounds.lowerBound >= lower && bounds.upperBound <= upper, "no such events in the batch")
        var slice = self
        slice.lower = UInt32(bounds.lowerBound)
        slice.upper = UInt32(bounds.upperBound)
        return slice
    }
}

@available(freshet 0.1, *)
extension EventBatch: ExpressibleByArrayLiteral {
    package init(arrayLiteral bodies: EventBody...) { self.init(bodies) }
}

@available(freshet 0.1, *)
extension EventBatch: Equatable {
    package static func == (left: Self, right: Self) -> Bool { left.elementsEqual(right) }
}
