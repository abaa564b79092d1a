import StreamCore

/// Where a fork came from, and what tells it apart from another of its name, as its meta keeps both (`F` of the contract).
@available(freshet 0.1, *)
extension ForkOrigin {
    private static let form: UInt8 = 1

    func blob(nonce: String) -> [UInt8] {
        var writer = BlobWriter(form: Self.form)
        writer.text(source.text)
        writer.number(UInt64(beyond))
        // A fork always knows the offset where it begins, unless that is its source's start.
        if case .after(let offset) = point {
            writer.number(1)
            writer.number(offset.milliseconds)
            writer.number(UInt64(offset.counter))
        } else {
            writer.number(0)
        }
        writer.text(nonce)
        return writer.bytes
    }

    static func read(_ blob: [UInt8]) throws(ReplyDamage) -> (origin: ForkOrigin, nonce: String) {
        var reader = try BlobReader(blob, form: form)
        guard let source = try? StreamName(try reader.text()) else { throw ReplyDamage() }
        let beyond = try reader.integer()
        var point = ReadPosition.start
        if try reader.number() == 1 {
            let milliseconds = try reader.number()
            let counter = try reader.number()
            guard milliseconds <= Offset.maximumMilliseconds, counter <= UInt64(Offset.maximumCounter) else {
                throw ReplyDamage()
            }
            point = .after(Offset(milliseconds: milliseconds, counter: UInt32(counter)))
        }
        let nonce = try reader.text()
        guard reader.isAtEnd else { throw ReplyDamage() }
        return (ForkOrigin(source: source, point: point, beyond: beyond), nonce)
    }
}
