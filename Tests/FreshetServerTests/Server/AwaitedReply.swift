import StreamHTTP

/// Where a test waits for the reply of a plan that has no task.
struct AwaitedReply: LaterReply {
    private let continuation: CheckedContinuation<Reply, Never>

    func onLoop(_ body: @escaping @Sendable () -> Void) { body() }

    func tell(_ reply: Reply) { continuation.resume(returning: reply) }

    static func reply(
        of answer: @Sendable ([UInt8], any LaterReply) -> Reply?,
        to body: [UInt8]
    ) async -> Reply {
        await withCheckedContinuation { continuation in
            let later = AwaitedReply(continuation: continuation)
            if let reply = answer(body, later) { later.tell(reply) }
        }
    }
}
