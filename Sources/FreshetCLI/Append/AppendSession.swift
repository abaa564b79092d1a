import DurableStream
import EventSource

/// Passes the input to a producer, and tells it of its end.
@available(freshet 0.1, *)
struct AppendSession: Sendable {
    typealias Machine = ProducerMachine<SystemRandomNumberGenerator>

    let client: StreamClient
    let url: String
    let settings: Machine.Settings
    let ttlSeconds: Int?
    /// Sent with each append, so that its repetition is recognised.
    let producerID: String
    let input: any ProducerInput
    /// Told how many bytes and appends are acknowledged, and what is being waited for.
    let progress: @Sendable (_ bytes: Int, _ appends: Int, _ trouble: String?) -> Void

    func run() async throws -> Machine.Outcome {
        let producer = try DurableStream.Producer(
            DurableStream(url: url, transport: ClientTransport(client: client)),
            settings: settings,
            timeToLiveSeconds: ttlSeconds,
            identity: DurableStream.ProducerIdentity(id: producerID, epoch: 0),
            progress: progress
        )
        input.onInterrupt { producer.inputBroke("interrupted") }
        // It may be waiting for input that never comes when the stream has ended.
        let reading = Task { await read(for: producer) }
        defer { reading.cancel() }
        return await producer.outcome()
    }

    private func read(for producer: DurableStream.Producer) async {
        // At most one read is under way, so what waits here is bounded.
        let (pieces, continuation) = AsyncStream.makeStream(of: InputPiece.self)
        var iterator = pieces.makeAsyncIterator()
        while true {
            input.read { continuation.yield($0) }
            switch await iterator.next() {
            case .bytes(let bytes): guard await producer.take(bytes) else { return }
            case .end: return producer.inputEnded()
            case .failure(let reason): return producer.inputBroke(reason)
            case nil: return
            }
        }
    }
}
