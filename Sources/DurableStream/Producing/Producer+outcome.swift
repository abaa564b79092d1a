import EventSource

@available(freshet 0.1, *)
extension DurableStream.Producer {
    /// How the stream ended, if somebody else ended it.
    ///
    /// - Throws: What ended the producer otherwise. Nothing where all went as it was asked, or goes on.
    func ending(_ standing: ProducerEngine.Standing) throws(DurableStreamError) -> DurableStream.End? {
        switch standing.outcome {
        case nil:
            if let trouble = standing.inputTrouble { throw refused(trouble, standing) }
            return nil
        case .complete: return nil
        case .ended(let end): return end
        case .inputFailed(let reason), .refused(let reason): throw refused(reason, standing)
        case .foreign(let status): throw .foreign(url, status: status)
        case .fenced(let problem, let epoch):
            var error = DurableStreamError(
                .fenced,
                "\(url): \(problem)",
                status: standing.refusal?.status,
                problem: standing.refusal?.code
            )
            error.epoch = epoch
            throw error
        case .gone(let problem):
            let status = standing.refusal?.status
            throw DurableStreamError(
                status == 410 ? .gone : .notFound,
                "\(url): \(problem)",
                status: status,
                problem: standing.refusal?.code
            )
        case .gaveUp(let reason): throw DurableStreamError(.unreachable, "\(url): gave up: \(reason)")
        case .stopped: throw finished()
        }
    }

    func finished() -> DurableStreamError {
        DurableStreamError(.finished, "\(url): this producer has ended or was closed")
    }

    private func refused(_ reason: String, _ standing: ProducerEngine.Standing) -> DurableStreamError {
        let code: DurableStreamError.Code =
            switch standing.refusal?.status {
            case nil: standing.inputTrouble == nil ? .invalidRequest : .invalidInput
            case 401, 403: .unauthorized
            case 409: .conflict
            default: .refused
            }
        return DurableStreamError(
            code,
            "\(url): \(reason)",
            status: standing.refusal?.status,
            problem: standing.refusal?.code
        )
    }

    // MARK: For `freshet append`

    /// What became of it, once that is known.
    package func outcome() async -> ProducerMachine<SystemRandomNumberGenerator>.Outcome {
        await engine.wait(for: .outcome)
        return engine.standing.outcome ?? .stopped
    }

    /// Input as it comes. It returns when there is room for more.
    ///
    /// - Returns: Whether more is taken.
    package func take(_ bytes: [UInt8]) async -> Bool {
        engine.put(bytes, isEvent: false)
        await engine.wait(for: .room)
        return !engine.standing.isClosed && !Task.isCancelled
    }

    /// The input ended in good order.
    package func inputEnded() {
        engine.inputEnded()
    }

    /// The input broke off, or the user wants to stop: what is whole of it is still sent, and the stream ends as
    /// failed, or is left open if that was asked.
    package func inputBroke(_ reason: String) {
        engine.inputBroke(reason)
    }
}
