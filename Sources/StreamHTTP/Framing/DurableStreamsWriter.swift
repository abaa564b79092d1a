import ServerSentEvents
package import StreamCore
import TextCodecs

/// Writes what a `live=sse` read of the Durable Streams protocol is told (section 5.8): `data` events, each with the
/// bytes of a batch as a catch-up read would show them, and after each a `control` event.
@available(freshet 0.1, *)
package struct DurableStreamsWriter: Sendable {
    package let kind: ContentType.Kind

    package init(kind: ContentType.Kind) {
        self.kind = kind
    }

    /// Whether the bytes are written in base64: for everything but `text/*` and `application/json`.
    package static func isBase64(_ kind: ContentType.Kind) -> Bool { kind == .binary || kind == .ndjson }

    package func appendData(_ events: some Sequence<StreamEvent>, to output: inout [UInt8]) {
        guard events.contains(where: { _ in true }) else { return }
        let bytes = ByteView.bytes(of: events, kind: kind)
        append("data", Self.isBase64(kind) ? Base64.encode(bytes) : bytes, to: &output)
    }

    /// Where the reader stands now.
    ///
    /// - Parameters:
    ///   - cursor: for the caches on the way; an ended stream needs none.
    ///   - isUpToDate: nothing more was there when this was written.
    ///   - isClosed: nothing more will ever come.
    package func appendControl(
        at offset: Offset,
        cursor: UInt64,
        isUpToDate: Bool,
        isClosed: Bool,
        to output: inout [UInt8]
    ) {
        let control = JSONWriter.object {
            $0.member("streamNextOffset", offset.text)
            if !isClosed { $0.member("streamCursor", String(cursor)) }
            if isUpToDate { $0.member("upToDate", true) }
            if isClosed { $0.member("streamClosed", true) }
        }
        append("control", control, to: &output)
    }

    private func append(_ type: String, _ data: [UInt8], to output: inout [UInt8]) {
        // Byte by byte as the protocol's own suite expects it: a space after `event:`, none after `data:`.
        output.append(contentsOf: "event: \(type)\n".utf8)
        do {
            try EventStreamEncoder(spaceAfterColon: false).append(EventBlock(data: data), to: &output)
        } catch {
            preconditionFailure("data can always be written: \(error)")
        }
    }
}
