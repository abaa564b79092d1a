import EventSource

/// Sends one request over a transport: its header fields, its credentials, its time.
@available(freshet 0.1, *)
struct Exchange<Transport: EventSourceTransport>: Sendable {
    /// What is asked, without what the configuration adds.
    struct Request: Sendable {
        var method: String
        var url: String
        var fields: [(name: String, value: String)] = []
        var body: [UInt8]?
    }

    typealias Fields = [(name: String, value: String)]

    /// The longest body of a response that is no read: a problem document, or nothing.
    private static var longestBody: Int { 1 << 20 }

    let configuration: DurableStream.Configuration
    let transport: Transport

    /// The whole response.
    ///
    /// - Throws: `DurableStreamError` if it cannot be sent at all, `EventSourceTransportError` if there was no whole
    ///   response, `CancellationError`.
    func whole(_ request: Request) async throws -> StreamResponse {
        let send = { @Sendable (request: EventSourceRequest) in
            let response = try await transport.send(request)
            let body = try await Self.collect(response.body, upTo: Self.longestBody)
            return StreamResponse(status: response.status, fields: response.headers, body: body)
        }
        let timeout = configuration.responseTimeout
        return try await renewing(request, status: \.status) { request in
            try await Deadline.within(timeout, "no whole response") { try await send(request) }
        }
    }

    /// The response as soon as its head is there. Throws what ``whole(_:)`` throws.
    func open(_ request: Request, within timeout: Duration) async throws -> EventSourceResponse<Transport.Body> {
        try await renewing(request, status: \.status) { [transport] request in
            try await Deadline.within(timeout, "no response") { try await transport.send(request) }
        }
    }

    /// Reads a body to its end.
    ///
    /// - Throws: When it is torn, or longer than that many bytes.
    static func collect(
        _ body: Transport.Body,
        upTo limit: Int,
        watchdog: IdleWatchdog? = nil
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunks = body.makeAsyncIterator()
        while true {
            watchdog?.readBegins()
            defer { watchdog?.readEnds() }
            guard let chunk = try await chunks.next() else { break }
            guard bytes.count + chunk.count <= limit else { throw TooLong(limit: limit) }
            bytes += chunk
        }
        try Task.checkCancellation()
        return bytes
    }

    /// The beginning of a body that explains a refusal, or what of it comes within five seconds.
    static func beginning(of body: Transport.Body) async -> [UInt8] {
        await withTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                var chunks = body.makeAsyncIterator()
                while bytes.count < 16 * 1024, let chunk = try? await chunks.next() { bytes += chunk }
                return Array(bytes.prefix(16 * 1024))
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(5))
                return nil
            }
            var bytes: [UInt8] = []
            for await finished in group {
                group.cancelAll()
                if let finished { bytes = finished }
            }
            return bytes
        }
    }

    /// Sends with the fields that are made for an attempt, and once more with others after a 401.
    private func renewing<Answer>(
        _ request: Request,
        status: (Answer) -> Int,
        _ send: (EventSourceRequest) async throws -> Answer
    ) async throws -> Answer {
        let made = try await made(request.method, isAfter401: false)
        let answer = try await send(try whole(request, made))
        guard status(answer) == 401, configuration.headersForAttempt != nil else { return answer }
        let renewed = try await self.made(request.method, isAfter401: true)
        guard !renewed.elementsEqual(made, by: ==) else { return answer }
        return try await send(try whole(request, renewed))
    }

    private func made(_ method: String, isAfter401: Bool) async throws -> Fields {
        guard let make = configuration.headersForAttempt else { return [] }
        do {
            return try await make(DurableStream.Attempt(method: method, isAfter401: isAfter401))
        } catch {
            try Task.checkCancellation()
            throw EventSourceTransportError("no header fields (\(TransportTrouble.describe(error)))", isUnsent: true)
        }
    }

    /// With all its fields, each name once.
    private func whole(_ request: Request, _ made: Fields) throws(DurableStreamError) -> EventSourceRequest {
        let own = request.fields + [(name: "Accept-Encoding", value: "identity")]
        var fields = own
        var taken = Set(own.map { $0.name.lowercased() })
        for given in [made, configuration.headers] {
            fields += given.filter { !taken.contains($0.name.lowercased()) && !Self.isProtocols($0.name.lowercased()) }
            taken.formUnion(given.map { $0.name.lowercased() })
        }
        let trouble = fields.lazy.compactMap { StreamRequest.trouble(name: $0.name, value: $0.value) }.first
        if let trouble { throw DurableStreamError(.invalidRequest, "\(request.url): \(trouble)") }
        return EventSourceRequest(url: request.url, method: request.method, headers: fields, body: request.body)
    }

    /// Fields that say what a request means, which is not the configuration's to say.
    private static func isProtocols(_ name: String) -> Bool {
        name.hasPrefix("stream-") || name.hasPrefix("producer-")
            || ["content-type", "content-length", "transfer-encoding", "content-encoding"].contains(name)
    }
}

/// A body is longer than its reader takes.
@available(freshet 0.1, *)
struct TooLong: Error, CustomStringConvertible {
    let limit: Int
    var description: String { "a response has more than \(limit) bytes" }
}

@available(freshet 0.1, *)
extension Duration {
    /// For header fields: whole seconds, rounded up, and one at least.
    var wholeSeconds: Int64 {
        max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0))
    }
}
