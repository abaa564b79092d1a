/// Reads an event stream, or one of NDJSON, of which nothing is known.
@available(freshet 0.1, *)
package struct OutsideExaminer: Sendable {
    private let client: MeasuringClient
    private let server: ServerAddress
    private let origin: ServerAddress?
    private let fields: [ResponseHead.Field]
    private let method: String
    private let body: [UInt8]?

    /// - Parameters:
    ///   - server: where the stream is, its whole path included.
    ///   - origin: the same stream without the proxy.
    ///   - fields: what the requests carry beside their own fields.
    ///   - method: GET, or one whose request is sent once only.
    ///   - body: what goes with it.
    package init(
        client: MeasuringClient,
        server: ServerAddress,
        origin: ServerAddress?,
        fields: [ResponseHead.Field],
        method: String = "GET",
        body: [UInt8]? = nil
    ) {
        self.client = client
        self.server = server
        self.origin = origin
        self.method = method
        self.body = body
        var own: [ResponseHead.Field] = []
        if let body {
            own.append(ResponseHead.Field("content-length", "\(body.count)"))
            if !body.isEmpty, !fields.contains(where: { $0.name == "content-type" }) {
                own.append(ResponseHead.Field("content-type", "application/json"))
            }
        }
        self.fields =
            own + [
                ResponseHead.Field("user-agent", "freshet-doctor"),
                ResponseHead.Field("accept", "text/event-stream, application/x-ndjson;q=0.9, */*;q=0.1"),
                ResponseHead.Field("cache-control", "no-cache"),
            ] + fields
    }

    /// All readings at the same time, each for so many seconds; only one where each would begin a stream of its own.
    package func read(seconds: Int) async -> OutsideEvidence {
        guard method == "GET" else {
            let plain = await reading(server, "identity", nil, seconds)
            return OutsideEvidence(plain: plain, compressed: plain)
        }
        async let plain = reading(server, "identity", nil, seconds)
        async let compressed = reading(server, "gzip", nil, seconds)
        async let direct = optionalReading(origin, nil, seconds)
        return await OutsideEvidence(plain: plain, compressed: compressed, direct: direct)
    }

    /// The stream again, from the first of its events that has an id.
    package func resume(_ evidence: OutsideEvidence, seconds: Int) async -> OutsideEvidence {
        guard let event = evidence.plain.events.first(where: { !$0.id.isEmpty }) else { return evidence }
        async let proxied = reading(server, "identity", event.id, seconds)
        async let direct = optionalReading(origin, event.id, seconds)
        var evidence = evidence
        evidence.resumed = await OutsideEvidence.Resumed(after: event, proxied: proxied, direct: direct)
        return evidence
    }

    private func optionalReading(_ server: ServerAddress?, _ id: String?, _ seconds: Int) async -> OutsideReading? {
        guard let server else { return nil }
        return await reading(server, "identity", id, seconds)
    }

    private func reading(_ server: ServerAddress, _ coding: String, _ id: String?, _ seconds: Int) async
        -> OutsideReading
    {
        var request = ClientRequest(server: server, target: "", fields: fields, limit: seconds * 1000)
        request.method = method
        request.body = body.map { [ClientRequest.BodyPart(after: 0, bytes: $0)] }
        request.fields.append(ResponseHead.Field("accept-encoding", coding))
        if let id { request.fields.append(ResponseHead.Field("last-event-id", id)) }
        return OutsideReading(await client.perform(request))
    }
}
