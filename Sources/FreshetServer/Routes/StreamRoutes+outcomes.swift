import StreamCore
import StreamHTTP

/// What the store and a streaming append decided, as a client is told.
@available(freshet 0.1, *)
extension StreamRoutes {
    func response(to result: StreamingAppendResult, _ name: StreamName) -> Response {
        let last = result.last.map { [StreamFields.nextOffset($0)] } ?? []
        func refuse(_ problem: Problem) -> Response {
            var problem = problem
            if !problem.headers.contains(where: { $0.name == "Stream-Next-Offset" }) { problem.headers += last }
            return Response(problem)
        }
        switch result.outcome {
        case .complete(let end): return Response(204, headers: last + StreamFields.end(end))
        case .stopped(.ended(let end)):
            return refuse(Self.problem(ended: end, fields: last))
        case .stopped(.removed): return refuse(.unknownStream(name))
        case .stopped(.superseded): return refuse(replaced)
        case .refused(let outcome): return refuse(Self.problem(outcome, name))
        case .failed(let error): return refuse(Problem(error))
        case .badPiece(let error):
            var problem = Problem(error)
            problem.detail += " Everything before it is kept."
            return refuse(problem)
        case .draining:
            var problem = Problem.draining
            problem.detail = "Everything up to Stream-Next-Offset is kept. Go on with a new request."
            return refuse(problem)
        case .lostRight(let loss):
            var problem = Problem(RequestFailure.lostRight(loss))
            problem.detail += " Everything up to Stream-Next-Offset is kept."
            return refuse(problem)
        case .overloaded:
            var problem = Problem(RequestFailure.overloaded)
            problem.detail += " Everything up to Stream-Next-Offset is kept; go on with a new request."
            return refuse(problem)
        }
    }

    static func response(to outcome: AppendOutcome, _ request: AppendRequest?, _ name: StreamName) -> Response {
        switch outcome {
        case .appended(let tail, let end, let producer):
            // New data of an idempotent producer is 200 (section 5.2.1); a close without data is 204 as any (5.3).
            var fields: [HeaderField] = []
            // With those that every response has.
            fields.reserveCapacity(8)
            fields.append(StreamFields.nextOffset(tail))
            if let end { fields += StreamFields.end(end) }
            if let producer { fields += StreamFields.producer(producer) }
            return Response(producer == nil || request?.events.isEmpty != false ? 204 : 200, headers: fields)
        case .duplicate(let tail, let end, let producer):
            return Response(
                204,
                headers: [StreamFields.nextOffset(tail)] + StreamFields.end(end) + StreamFields.producer(producer)
            )
        case .ended(let end, let tail, _)
        where request?.events.isEmpty == true && request?.contentType == nil && request?.end != nil
            && request?.producer == nil:
            // Closing what is closed succeeds, and tells how it really ended.
            return Response(204, headers: [StreamFields.nextOffset(tail)] + StreamFields.end(end))
        default: return Response(problem(outcome, name, sent: request?.contentType))
        }
    }

    /// A streaming append that was not replaced has lost its right where its node was cut off from a store that is shared.
    private var replaced: Problem {
        Problem(
            409,
            "producer-replaced",
            title: "Producer replaced",
            detail: "Another streaming append with the same `Stream-Producer` writes the stream now"
                + (streams.isShared ? ", or this server could not reach its store for too long" : "")
                + ". What this one sent up to Stream-Next-Offset is kept."
        )
    }

    private static func problem(ended end: StreamEnd, fields: [HeaderField]) -> Problem {
        Problem(
            409,
            "stream-ended",
            title: "Stream ended",
            detail: "It ended with reason `\(end.reason.rawValue)` and takes no more events. Use another stream.",
            headers: fields + StreamFields.end(end)
        )
    }

    /// - Parameter type: that of the body, where there was one.
    static func problem(_ outcome: AppendOutcome, _ name: StreamName, sent type: ContentType? = nil) -> Problem {
        switch outcome {
        case .notFound: return .unknownStream(name)
        case .ended(let end, let tail, let producer):
            return problem(ended: end, fields: [StreamFields.nextOffset(tail)] + StreamFields.producer(producer))
        case .typeMismatch(let wanted): return .contentTypeDiffers(from: wanted, sent: type)
        case .fenced(let epoch):
            return Problem(
                403,
                "producer-fenced",
                title: "Producer fenced",
                detail:
                    "The current epoch is \(epoch). To continue with this producer, start a higher epoch at "
                    + "`Producer-Seq: 0`.",
                headers: [HeaderField("Producer-Epoch", "\(epoch)")]
            )
        case .epochMustStartAtZero:
            return Problem(
                400,
                "epoch-starts-at-zero",
                title: "Epoch must start at sequence 0",
                detail: "Send the first request of the epoch with `Producer-Seq: 0`."
            )
        case .gap(let expected, let received):
            return Problem(
                409,
                "producer-gap",
                title: "Producer sequence gap",
                detail: "Sequence \(expected) was expected; \(received) arrived. Send the missing requests first.",
                headers: [
                    HeaderField("Producer-Expected-Seq", "\(expected)"),
                    HeaderField("Producer-Received-Seq", "\(received)"),
                ]
            )
        case .sequenceRegression(let last):
            return Problem(
                409,
                "sequence-regression",
                title: "Stream-Seq must increase",
                detail: "The stream's last value is `\(last)`; values are compared byte by byte."
            )
        case .appended, .duplicate: preconditionFailure("an append that went well is no problem")
        case .superseded: preconditionFailure("a streaming append tells itself that it was superseded")
        case .withheld: preconditionFailure("no request asks what it would come to")
        }
    }
}

@available(freshet 0.1, *)
extension Problem {
    fileprivate static func contentTypeDiffers(from wanted: ContentType, sent: ContentType?) -> Problem {
        let said =
            sent.map { "The body's Content-Type is `\($0.text)`\($0.noteOfCurl)" }
            ?? "The body has another Content-Type"
        return Problem(
            409,
            "content-type-differs",
            title: "Content type mismatch",
            detail: "\(said); the stream's is "
                + "`\(wanted.text)`. Send the body with `Content-Type: \(wanted.text)`."
        )
    }
}

@available(freshet 0.1, *)
extension ContentType {
    /// What is said of the type that curl sends with a body by itself; empty for any other.
    var noteOfCurl: String {
        text.lowercased().hasPrefix("application/x-www-form-urlencoded")
            ? ", which curl sends unless you name another" : ""
    }
}
