import StreamCore
import StreamHTTP

@available(freshet 0.1, *)
extension StreamRoutes {
    enum Creation {
        case outcome(CreateOutcome)
        case refused(Problem)
    }

    /// Creates a stream as one of those that the caller may create. One that is there already costs nothing, and is
    /// answered as ever.
    func create(
        _ name: StreamName,
        _ request: CreateRequest,
        by quotas: CallerQuotas?
    ) async throws(StoreError) -> Creation {
        guard let quotas else { return .outcome(try await streams.create(name, request)) }
        var request = request
        if streams.configuration.bytesPerOwner != nil { request.options.owner = quotas.name }
        var hasTaken = true
        do throws(QuotaRefusal) {
            try quotas.table.takeStream(of: quotas.name)
        } catch {
            hasTaken = false
            guard try await streams.info(name) != nil else { return .refused(quotas.problem(error)) }
        }
        var isCreated = false
        defer {
            switch (hasTaken, isCreated) {
            case (true, false): quotas.table.giveBackStream(of: quotas.name)
            case (false, true): quotas.table.chargeStream(of: quotas.name)
            case (true, true), (false, false): break
            }
        }
        let outcome = try await streams.create(name, request)
        if case .created = outcome { isCreated = true }
        return .outcome(outcome)
    }
}
