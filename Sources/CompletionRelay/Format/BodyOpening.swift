import NIOCore
import StreamCore

/// What the first bytes of a body say that it is, where its `Content-Type` does not: many servers send a stream of
/// events as `text/plain`, as JSON, or as nothing.
@available(freshet 0.1, *)
enum BodyOpening: Sendable, Equatable {
    case events
    case other
    /// More is needed.
    case unknown

    /// What may be held of a body until it is known.
    static let limit = 4096
    /// How long.
    static let patience = Duration.seconds(1)

    /// After a byte order mark and blank lines, an event stream begins with a comment or a field.
    init(_ bytes: [UInt8]) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard bytes.count >= mark.count || !mark.starts(with: bytes) else {
            self = .unknown
            return
        }
        let rest = (bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...])
            .drop { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        if Self.beginnings.contains(where: rest.starts(with:)) {
            self = .events
        } else if bytes.count < Self.limit, Self.beginnings.contains(where: { $0.starts(with: rest) }) {
            self = .unknown
        } else {
            self = .other
        }
    }

    private static let beginnings = [":", "data:", "event:", "id:", "retry:"].map { Array($0.utf8) }

    /// Looks at what comes, which is held for the purpose, until it is known.
    ///
    /// - Returns: what it is, with what was held.
    static func look(at pipe: BodyPipe, clock: any Clock<Duration>) async throws -> (BodyOpening, [ByteBuffer]) {
        var held: [ByteBuffer] = []
        var bytes: [UInt8] = []
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            while let piece = try await pipe.next() {
                // It took too long.
                guard piece.readableBytes > 0 else { return (.other, held) }
                if held.isEmpty {
                    group.addTask {
                        try await clock.sleep(for: patience)
                        pipe.interrupt()
                    }
                }
                held.append(piece)
                bytes.append(contentsOf: piece.readableBytesView.prefix(limit))
                let opening = BodyOpening(bytes)
                if opening != .unknown { return (opening, held) }
            }
            return (.other, held)
        }
    }
}
