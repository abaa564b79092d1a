package import NIOCore

/// Writes the response of an exchange.
@available(freshet 0.1, *)
package struct ResponseWriter: Sendable {
    let exchange: NIOLoopBound<Exchange>
    let eventLoop: any EventLoop

    /// Writes the head at once.
    ///
    /// - Parameter length: the body's length in bytes. Without it the body is chunked, or, to an HTTP/1.0 request,
    ///   ends with the connection.
    /// - Throws: `ExchangeError.headWritten`, or `.gone`.
    package func head(_ status: Int, _ headers: [HeaderField], length: Int? = nil) async throws {
        try await perform { try $0.writeHead(status, headers, length: length, $1) }
    }

    /// Writes a part of the body, and returns when the connection takes more.
    ///
    /// - Throws: `ExchangeError`; `.gone` when there is nobody to write to.
    package func write(_ bytes: ByteBuffer) async throws {
        try await perform { try $0.writeBody(bytes, $1) }
    }

    /// A whole response.
    package func respond(_ response: Response) async throws {
        try await perform { try $0.respond(response, $1) }
    }

    /// Closes the connection without finishing the body: the peer must see that it is torn.
    ///
    /// - Parameter reset: with a TCP reset instead of an end, as a machine does whose program died.
    package func cut(reset: Bool = false) { eventLoop.run { [exchange] in exchange.value.cut(reset: reset) } }

    private func perform(
        _ body: @escaping @Sendable (Exchange, CheckedContinuation<Void, any Error>) throws -> Void
    ) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            eventLoop.run { [exchange] in
                do {
                    try body(exchange.value, continuation)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}
