import Freshet

/// The server inside a program, in ten lines: a stream that is written while anybody reads it.
///
///     swift run EmbeddedExample
///     curl -N 'http://127.0.0.1:4437/v1/stream/answer?as=sse'
@available(macOS 14, *)
@main
struct EmbeddedExample {
    static func main() async throws {
        let server = try EmbeddedServer(storage: .directory("streams"))
        let stream = try await server.streams.create("answer")
        let writing = Task {
            try await stream.produce { producer in  // cancelled when somebody says Stop
                for word in ["Hello", "world"] { try await producer.append(word) }
            }  // ends the stream: done, or failed if it throws
        }
        try await server.runService()  // until SIGTERM or SIGINT
        writing.cancel()
    }
}
