import EventSource

/// The requests of a producer, as the protocol has them.
@available(freshet 0.1, *)
struct ProducerRequests<Transport: EventSourceTransport>: Sendable {
    typealias Machine = ProducerEngine.Machine

    /// What a server takes as `Stream-End-Detail`, in bytes.
    static var longestDetail: Int { 1024 }

    let exchange: Exchange<Transport>
    let url: String
    let settings: Machine.Settings
    let timeToLiveSeconds: Int?
    let identity: DurableStream.ProducerIdentity

    func send(_ request: Machine.Request) async throws -> StreamResponse {
        switch request {
        case .create:
            var fields = [(name: "Content-Type", value: settings.contentType)]
            if let timeToLiveSeconds { fields.append((name: "Stream-TTL", value: "\(timeToLiveSeconds)")) }
            if let lease = settings.leaseSeconds { fields.append((name: "Stream-Lease", value: "\(lease)")) }
            return try await send("PUT", fields)
        case .append(let sequence, let body):
            return try await send("POST", numbered(sequence) + [contentType], body)
        case .question(let sequence, _):
            return try await send("POST", numbered(sequence + 2) + [contentType], Batcher.leastBody(of: settings.kind))
        case .renewLease:
            return try await send("POST", [(name: "Stream-Lease", value: "\(settings.leaseSeconds ?? 0)")])
        case .end(let sequence, let end):
            var fields = numbered(sequence) + [(name: "Stream-Closed", value: "true")]
            if let reason = end.reason { fields.append((name: "Stream-End-Reason", value: reason.rawValue)) }
            if let detail = end.detail.map(Self.oneLine), !detail.isEmpty {
                fields.append((name: "Stream-End-Detail", value: detail))
            }
            return try await send("POST", fields)
        }
    }

    private var contentType: (name: String, value: String) { (name: "Content-Type", value: settings.contentType) }

    private func numbered(_ sequence: Int) -> [(name: String, value: String)] {
        [
            (name: "Producer-Id", value: identity.id), (name: "Producer-Epoch", value: "\(identity.epoch)"),
            (name: "Producer-Seq", value: "\(sequence)"),
        ]
    }

    private func send(
        _ method: String,
        _ fields: [(name: String, value: String)],
        _ body: [UInt8]? = nil
    ) async throws -> StreamResponse {
        try await exchange.whole(.init(method: method, url: url, fields: fields, body: body))
    }

    /// A header field carries no control characters, and a detail has at most 1024 bytes.
    static func oneLine(_ text: String) -> String {
        var line: [Unicode.Scalar] = []
        var count = 0
        for scalar in text.unicodeScalars {
            let next = scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar
            count += UTF8.width(next)
            guard count <= longestDetail else { break }
            line.append(next)
        }
        while line.last == " " { line.removeLast() }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: line.drop { $0 == " " })
        return String(result)
    }
}
