import ServerSentEvents

/// Events of a stream of `text/event-stream`, as a producer sends them.
@available(freshet 0.1, *)
enum EventBlocks {
    /// One block, ended by an empty line.
    static func block(_ data: [UInt8], type: String?, url: String) throws(DurableStreamError) -> [UInt8] {
        do throws(EventStreamEncoderError) {
            return try EventStreamEncoder().encode(EventBlock(event: type, data: data))
        } catch {
            throw DurableStreamError(.invalidInput, "\(url): \(error.message)")
        }
    }
}
