import DurableStream

/// Writes a stream of a server on this machine, and reads it again.
///
///     freshet serve --memory
///     swift run DurableClient
@available(macOS 14, *)
@main
struct DurableClient {
    static func main() async throws {
        let stream = DurableStream(url: "http://127.0.0.1:4437/v1/stream/numbers")
        try await stream.produce(.init(contentType: "application/json")) { producer in
            for number in 1...3 { try await producer.append(json: number) }
        }  // ends the stream: done, or failed if it throws
        for try await chunk in stream.read() { print(chunk.values.count, "values; go on at", chunk.nextOffset) }
    }
}
