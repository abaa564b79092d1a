import StreamCore

/// Where a fork came from, as its meta keeps it (`F` of the contract).
@available(freshet 0.1, *)
extension ForkOrigin {
    private static let form: UInt8 = 1

    var blob: [UInt8] {
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
        return writer.bytes
    }

    init(blob: [UInt8]) throws(ReplyDamage) {
        var reader = try BlobReader(blob, form: Self.form)
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
        guard reader.isAtEnd else { throw ReplyDamage() }
        self.init(source: source, point: point, beyond: beyond)
    }
}
