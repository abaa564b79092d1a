import StreamCore

/// What a stream was created with, as its meta keeps it (`z` of the contract).
@available(freshet 0.1, *)
extension StreamOptions {
    private static let form: UInt8 = 1

    var blob: [UInt8] {
        var writer = BlobWriter(form: Self.form)
        writer.text(contentType.text)
        switch expiry {
        case nil: writer.number(0)
        case .idle(let seconds):
            writer.number(1)
            writer.number(UInt64(seconds))
        case .at(let moment):
            writer.number(2)
            writer.number(moment)
        }
        writer.optional(leaseSeconds)
        writer.optional(retention.seconds)
        writer.optional(retention.bytes)
        writer.optional(retention.events)
        writer.number(UInt64(responseFields.count))
        for field in responseFields {
            writer.text(field.name)
            writer.text(field.value)
        }
        writer.number(owner == nil ? 0 : 1)
        if let owner { writer.text(owner) }
        return writer.bytes
    }

    init(blob: [UInt8]) throws(ReplyDamage) {
        var reader = try BlobReader(blob, form: Self.form)
        guard let type = ContentType(try reader.text()) else { throw ReplyDamage() }
        self.init(contentType: type)
        switch try reader.number() {
        case 0: break
        case 1: expiry = .idle(seconds: try reader.integer())
        case 2: expiry = .at(wallMilliseconds: try reader.number())
        default: throw ReplyDamage()
        }
        leaseSeconds = try reader.optionalInteger()
        retention.seconds = try reader.optionalInteger()
        retention.bytes = try reader.optionalInteger()
        retention.events = try reader.optionalInteger()
        for _ in 0..<(try reader.integer()) {
            responseFields.append(ResponseField(name: try reader.text(), value: try reader.text()))
        }
        if try reader.number() == 1 { owner = try reader.text() }
        guard reader.isAtEnd else { throw ReplyDamage() }
    }
}
