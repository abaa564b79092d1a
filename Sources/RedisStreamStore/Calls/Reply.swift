import StreamCore

/// A function's reply while it is read: a list, whose first element says what it is, or one value alone.
///
/// Whatever does not fit is `ReplyDamage`: another program's function, or one that is not of this version.
@available(freshet 0.1, *)
struct Reply {
    let elements: [RESPValue]
    let word: String
    /// The number of the connection it came over; nil where that is over already.
    let connection: UInt64?

    init(_ value: RESPValue, over connection: UInt64? = nil) {
        self.connection = connection
        elements = value.elements ?? [value]
        word = elements.first?.text ?? ""
    }

    subscript(index: Int) -> RESPValue? { index < elements.count ? elements[index] : nil }

    func bytes(_ index: Int) throws(ReplyDamage) -> [UInt8] {
        guard let bytes = self[index]?.bytes else { throw ReplyDamage() }
        return bytes
    }

    func text(_ index: Int) throws(ReplyDamage) -> String { String(decoding: try bytes(index), as: UTF8.self) }

    func integer(_ index: Int) throws(ReplyDamage) -> Int {
        guard let integer = self[index]?.integer, let value = Int(exactly: integer) else { throw ReplyDamage() }
        return value
    }

    /// Nil for an empty text.
    func optionalInteger(_ index: Int) throws(ReplyDamage) -> Int? {
        if let bytes = self[index]?.bytes, bytes.isEmpty { return nil }
        return try integer(index)
    }

    func optionalText(_ index: Int) throws(ReplyDamage) -> String? {
        let text = try text(index)
        return text.isEmpty ? nil : text
    }

    func unsigned(_ index: Int) throws(ReplyDamage) -> UInt64 {
        guard let value = UInt64(exactly: try integer(index)) else { throw ReplyDamage() }
        return value
    }

    func offset(_ index: Int) throws(ReplyDamage) -> Offset {
        guard let offset = try optionalOffset(index) else { throw ReplyDamage() }
        return offset
    }

    func optionalOffset(_ index: Int) throws(ReplyDamage) -> Offset? {
        let bytes = try bytes(index)
        if bytes.isEmpty { return nil }
        guard let offset = Offset(decimal: bytes) else { throw ReplyDamage() }
        return offset
    }

    func end(_ index: Int) throws(ReplyDamage) -> StreamEnd? {
        let bytes = try bytes(index)
        if bytes.isEmpty { return nil }
        guard let end = StreamEnd(wire: bytes) else { throw ReplyDamage() }
        return end
    }

    func list(_ index: Int) throws(ReplyDamage) -> [RESPValue] {
        guard let list = self[index]?.elements else { throw ReplyDamage() }
        return list
    }

    /// Two numbers where something is remembered of the producer, and empty texts where nothing is.
    func producer(_ index: Int) throws(ReplyDamage) -> ProducerState? {
        guard try optionalInteger(index) != nil else { return nil }
        return ProducerState(epoch: try unsigned(index), sequence: try unsigned(index + 1))
    }
}

/// A reply that is not one of the contract's.
@available(freshet 0.1, *)
struct ReplyDamage: Error {}
