import NIOCore
import StreamHTTP

/// The response to a streaming call that is no stream: it is passed on while it arrives, to the caller that began it.
@available(freshet 0.1, *)
struct PassedAnswer: Sendable {
    var status: Int
    var fields: [HeaderField]
    /// Where the upstream told it.
    var length: Int?
    /// What the caller takes it from.
    var pipe = BodyPipe()

    /// The whole of it, for a caller in this process.
    func collected(upTo limit: Int) async -> Response? {
        defer { pipe.abandon() }
        var body: [UInt8] = []
        do {
            while let piece = try await pipe.next() {
                guard body.count + piece.readableBytes <= limit else { return nil }
                body.append(contentsOf: piece.readableBytesView)
            }
        } catch {
            return nil
        }
        return Response(status, headers: fields, body: body)
    }
}

/// The caller that a response is passed on to. When it is gone nobody takes the rest.
@available(freshet 0.1, *)
final class PassedAnswerTaker: Sendable {
    let answer: PassedAnswer

    init(_ answer: PassedAnswer) { self.answer = answer }

    deinit { answer.pipe.abandon() }

    func write(to writer: ResponseWriter) async throws {
        defer { answer.pipe.abandon() }
        try await writer.head(answer.status, answer.fields, length: answer.length)
        while let piece = try await answer.pipe.next() { try await writer.write(piece) }
    }
}
