/// Gathers the replies of commands that were sent together. Used on one event loop.
@available(freshet 0.1, *)
final class PipelineReplies {
    private var replies: [Result<RESPValue, RedisFailure>] = []
    private let count: Int
    private let told: ([Result<RESPValue, RedisFailure>]) -> Void

    /// Tells at once where there is nothing to wait for.
    init(count: Int, told: @escaping ([Result<RESPValue, RedisFailure>]) -> Void) {
        self.count = count
        self.told = told
        replies.reserveCapacity(count)
        if count == 0 { told([]) }
    }

    func received(_ reply: Result<RESPValue, RedisFailure>) {
        replies.append(reply)
        if replies.count == count { told(replies) }
    }
}
