import StreamCore
import StreamHTTP

@available(freshet 0.1, *)
extension StreamRoutes {
    /// The fork that a `PUT` asks for (Durable Streams protocol, section 4.2); nil when it asks for none.
    func fork(
        _ headers: StreamHeaders,
        _ type: ContentType?,
        _ expiry: StreamOptions.Expiry?,
        _ caller: RouteCaller
    ) throws(Problem) -> ForkRequest? {
        guard let fields = try headers.fork() else { return nil }
        let source = try Self.source(fields.from)
        if source.isReserved { throw .reservedName }
        // Whoever forks a stream reads it.
        if let problem = caller.refusal(.read, source.text) { throw problem }
        return ForkRequest(
            source: source,
            point: fields.offset ?? .now,
            beyond: fields.beyond,
            inheritsContentType: type == nil,
            inheritsExpiry: expiry == nil
        )
    }

    private static func source(_ path: String) throws(Problem) -> StreamName {
        guard let suffix = RequestTarget(path).pathSuffix(after: prefix), let suffix, let name = try? StreamName(suffix)
        else {
            throw .header(
                "Stream-Forked-From",
                path,
                "the path of a stream of this server, such as \(prefix)name"
            )
        }
        return name
    }
}

@available(freshet 0.1, *)
extension Problem {
    /// - Parameter type: that of the request.
    init(_ refusal: ForkRefusal, _ source: StreamName, sent type: ContentType) {
        switch refusal {
        case .sourceNotFound: self = .unknownStream(source)
        case .sourceGone: self = .softDeleted(source, status: 409)
        case .typeMismatch(let wanted):
            self.init(
                409,
                "content-type-differs",
                title: "Content type mismatch",
                detail: "The source's Content-Type is `\(wanted.text)`, and the request's is `\(type.text)`"
                    + "\(type.noteOfCurl). Send the same one, or none."
            )
        case .beyondTail(let tail):
            self.init(
                400,
                "fork-beyond-tail",
                title: "Fork point beyond the tail",
                detail: "`Stream-Fork-Offset` is beyond the source's tail, `\(tail.text)`."
            )
        case .belowFloor(let floor):
            self.init(
                410,
                "position-gone",
                title: "Position not available",
                detail: "`Stream-Fork-Offset` is older than the oldest event the source keeps.",
                headers: [StreamFields.earliestOffset(floor)]
            )
        case .unknownPoint:
            self.init(
                400,
                "bad-offset",
                title: "Invalid offset",
                detail: "`Stream-Fork-Offset` is a value that a read of the source gave as Stream-Next-Offset or as an "
                    + "event's id."
            )
        case .badSubOffset:
            self.init(
                400,
                "bad-sub-offset",
                title: "Invalid fork sub-offset",
                detail: "`Stream-Fork-Sub-Offset` counts the messages of a JSON stream that follow the point, and for "
                    + "others the bytes of the event that follows it. Lines of NDJSON and server-sent events are taken "
                    + "whole."
            )
        case .tooLarge: preconditionFailure("only an owner's room bounds a fork, and where there is none, that is told")
        }
    }
}
