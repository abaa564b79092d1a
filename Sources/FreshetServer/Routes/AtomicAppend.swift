import StreamCore
import StreamHTTP

/// A POST whose body is appended in one step; it may end the stream, or only renew its lease.
@available(freshet 0.1, *)
final class AtomicAppend: Sendable {
    private let name: StreamName
    private let routes: StreamRoutes
    private let type: ContentType?
    private let end: EndRequest?
    private let producer: ProducerStamp?
    private let sequence: String?
    private let lease: Int?
    private let creator: StreamRoutes.Creator?

    init(
        to name: StreamName,
        of routes: StreamRoutes,
        type: ContentType?,
        end: EndRequest?,
        producer: ProducerStamp?,
        sequence: String?,
        lease: Int?,
        creator: StreamRoutes.Creator?
    ) {
        self.name = name
        self.routes = routes
        self.type = type
        self.end = end
        self.producer = producer
        self.sequence = sequence
        self.lease = lease
        self.creator = creator
    }

    // MARK: Without a task

    /// The reply, where it is there at once; nil where it is told later.
    ///
    /// What asks the store one thing, and is answered with what it says, needs no task. All else has one.
    func begin(_ body: [UInt8], _ later: any LaterReply) -> Reply? {
        guard let request = simpleRequest(body) else {
            later.tell { .response(await self.response(to: body)) }
            return nil
        }
        let begun = routes.streams.beginAppend(name, request, resume: { later.onLoop($0) }) { [self] result in
            if let reply = self.reply(to: result, of: request, later) { later.tell(reply) }
        }
        switch begun {
        case .over(let result): return reply(to: result, of: request, later)
        case .waiting: return nil
        case .notBegun:
            later.tell { .response(await self.response(to: request)) }
            return nil
        }
    }

    /// The one thing to ask; nil where more is asked, or there is something wrong with the body.
    private func simpleRequest(_ body: [UInt8]) -> AppendRequest? {
        guard lease == nil, LongWork.isShort(body.count) else { return nil }
        guard !body.isEmpty else { return end == nil ? nil : appendRequest([]) }
        guard let type else { return nil }
        do throws(PieceError) {
            let limits = routes.configuration.pieces
            let events = try AtomicBody.events(of: body, kind: type.kind, limits: limits)
            return events.isEmpty ? nil : appendRequest(events)
        } catch {
            return nil
        }
    }

    /// The reply to what the store said; nil where there is more to ask, and it is told later.
    private func reply(
        to result: Result<AppendOutcome, StoreError>,
        of request: AppendRequest,
        _ later: any LaterReply
    ) -> Reply? {
        switch result {
        // The stream may be created, or its name be kept for forks.
        case .success(.notFound): later.tell { .response(await self.response(to: request, after: .notFound)) }
        case .success(let outcome): return .response(StreamRoutes.response(to: outcome, request, name))
        // Room may be made.
        case .failure(.full): later.tell { .response(await self.response(to: request)) }
        case .failure(let error): return .response(Response(Problem(error)))
        }
        return nil
    }

    private func appendRequest(_ events: EventBatch) -> AppendRequest {
        AppendRequest(
            contentType: events.isEmpty ? nil : type,
            events: events,
            producer: producer,
            sequence: sequence,
            end: end
        )
    }

    // MARK: In a task

    private func response(to body: [UInt8]) async -> Response {
        do {
            if body.isEmpty, end == nil {
                guard let lease else { throw Problem(PieceError.empty) }
                return try await renewLease(seconds: lease)
            }
            guard !body.isEmpty else { return await response(to: appendRequest([])) }
            guard let type else {
                throw Problem(
                    400,
                    "no-content-type",
                    title: "Content-Type required",
                    detail: "Send the `Content-Type` the stream was created with."
                )
            }
            let events: EventBatch
            do throws(PieceError) {
                events = try await cut(body, type)
            } catch {
                return try await refuse(because: error, type)
            }
            return await response(to: appendRequest(events))
        } catch let problem as Problem {
            return Response(problem)
        } catch let error as StoreError {
            return Response(Problem(error))
        } catch {
            preconditionFailure("an append fails in no other way: \(error)")
        }
    }

    /// - Parameter first: what it came to when the store was asked; nil where it was not asked yet.
    private func response(to request: AppendRequest, after first: AppendOutcome? = nil) async -> Response {
        do throws(StoreError) {
            var outcome: AppendOutcome
            if let first { outcome = first } else { outcome = try await routes.streams.append(name, request) }
            if case .notFound = outcome, let creator, let type {
                if let problem = try await routes.create(name, type, lease: lease, by: creator) {
                    return Response(problem)
                }
                outcome = try await routes.streams.append(name, request)
            }
            if let lease, case .appended(_, nil, _) = outcome {
                _ = try await routes.streams.renewLease(name, seconds: lease)
            }
            if case .notFound = outcome { return await routes.missing(name) }
            return StreamRoutes.response(to: outcome, request, name)
        } catch {
            return Response(Problem(error))
        }
    }

    private func cut(_ body: [UInt8], _ type: ContentType) async throws(PieceError) -> EventBatch {
        let events = try await routes.events(of: body, type.kind)
        guard !events.isEmpty else { throw .empty }
        return events
    }

    /// The response to a body that its own type does not allow. What is wrong with the stream comes first: it is by the
    /// type of the stream that a body is cut.
    private func refuse(because error: PieceError, _ type: ContentType) async throws(StoreError) -> Response {
        guard let info = try await routes.streams.info(name) else {
            return creator != nil ? Response(Problem(error)) : await routes.missing(name)
        }
        // Whether it was this request that ended the stream, the store knows by its number alone. It is asked of that
        // stream only: one made anew under the name would take the number, and lose the body.
        if info.end != nil, producer != nil {
            var number = appendRequest([])
            number.contentType = type
            number.birth = info.birth
            return StreamRoutes.response(to: try await routes.streams.append(name, number), number, name)
        }
        return Response(StreamRoutes.refusal(info, type, name) ?? Problem(error))
    }

    /// What is wrong with appending a body to the stream as it is now, told early where that saves the body. The store
    /// decides all the same when the body is here; one that cannot say now says it again then.
    func refusalBeforeBody() async -> Response? {
        guard creator == nil else { return nil }
        do throws(StoreError) {
            guard let info = try await routes.streams.info(name) else { return await routes.missing(name) }
            // A producer that asks again is answered by the store, which knows whether this request ended the stream.
            if info.end != nil, producer != nil { return nil }
            return StreamRoutes.refusal(info, type, name).map { Response($0) }
        } catch {
            return nil
        }
    }

    private func renewLease(seconds: Int) async throws(StoreError) -> Response {
        guard let info = try await routes.streams.renewLease(name, seconds: seconds) else {
            return await routes.missing(name)
        }
        if let end = info.end {
            return StreamRoutes.response(to: .ended(end, tail: info.tail, producer: nil), nil, name)
        }
        return Response(
            204,
            headers: [StreamFields.nextOffset(info.tail), HeaderField("Stream-Lease", "\(seconds)")]
        )
    }
}
