import ServerSentEvents
import Testing

@testable import EventSource

private typealias Machine = ReconnectMachine<SystemRandomNumberGenerator>

/// Requests other than a plain GET: what is sent, where redirects lead it, and when it is sent again.
@Suite struct RequestTests {
    private let stream = ResponseHead(status: 200, contentType: "text/event-stream")

    private func machine(
        _ method: String,
        body: String? = "q",
        repeats: Bool = false,
        _ change: (inout EventSource.Configuration) -> Void = { _ in }
    ) throws -> Machine {
        var configuration = EventSource.Configuration()
        configuration.method = method
        configuration.body = body.map { Array($0.utf8) }
        configuration.repeatsRequest = repeats
        change(&configuration)
        return try Machine(
            url: "http://host/stream",
            configuration: configuration,
            random: SystemRandomNumberGenerator()
        )
    }

    /// `wait`, `finish`, or the code of the failure.
    private func name(_ next: Machine.Next) -> String {
        switch next {
        case .wait: "wait"
        case .finish: "finish"
        case .fail(let error): "\(error.code)"
        }
    }

    // MARK: Redirects

    @Test(arguments: [
        ("POST", 301, "GET", false), ("POST", 302, "GET", false), ("POST", 303, "GET", false),
        ("POST", 307, "POST", true), ("POST", 308, "POST", true),
        ("PUT", 301, "PUT", true), ("PUT", 302, "PUT", true), ("PUT", 303, "GET", false), ("PUT", 307, "PUT", true),
        ("REPORT", 302, "REPORT", true), ("REPORT", 303, "GET", false), ("REPORT", 308, "REPORT", true),
    ])
    func `A redirect does with the method what fetch does`(method: String, status: Int, then: String, hasBody: Bool)
        throws
    {
        var machine = try machine(method)
        let first = machine.connect()
        #expect(first.method == method && first.sendsBody)
        let action = machine.received(ResponseHead(status: status, location: "/next"), at: .zero)
        #expect(
            action
                == .send(
                    .init(
                        url: "http://host/next",
                        method: then,
                        sendsBody: hasBody,
                        lastEventID: "",
                        sendsCredentials: true
                    )
                )
        )
        // What became a GET stays one, and does not become what it was.
        let second = machine.received(ResponseHead(status: 307, location: "/third"), at: .zero)
        guard case .send(let third) = second else {
            Issue.record("not followed: \(second)")
            return
        }
        #expect(third.method == then && third.sendsBody == hasBody)
    }

    @Test func `A POST that leads to a GET of the same URL is no circle, and the second time it is one`() throws {
        var machine = try machine("POST")
        _ = machine.connect()
        let see = ResponseHead(status: 303, location: "/stream")
        guard case .send(let request) = machine.received(see, at: .zero) else {
            Issue.record("not followed")
            return
        }
        #expect(request.method == "GET")
        guard case .leave(let next) = machine.received(see, at: .zero) else {
            Issue.record("followed again")
            return
        }
        #expect(name(next) == "redirect")
    }

    @Test func `The fields that describe a body go where the body goes`() throws {
        var configuration = EventSource.Configuration()
        configuration.method = "POST"
        configuration.headers = [
            ("Content-Type", "application/json"), ("content-language", "en"), ("Authorization", "k"), ("X-Mine", "1"),
            ("Accept", "x/y"), ("Last-Event-Id", "forged"),
        ]
        var request = StreamRequest(url: "", method: "POST", sendsBody: true, lastEventID: "7", sendsCredentials: true)
        let own = ["Accept", "Accept-Encoding", "Cache-Control", "Last-Event-ID"]
        #expect(
            request.fields(configuration).map(\.name)
                == ["Content-Type", "content-language", "Authorization", "X-Mine"] + own
        )
        request.method = "GET"
        request.sendsCredentials = false
        #expect(request.fields(configuration).map(\.name) == ["X-Mine"] + own)
        #expect(request.fields(configuration).last?.value == "7")
    }

    // MARK: Sending it again

    @Test(arguments: [
        ("POST", "q", false, "notRepeated"), ("POST", nil, false, "notRepeated"), ("PUT", "q", false, "notRepeated"),
        ("GET", "q", false, "notRepeated"), ("GET", nil, false, "wait"), ("POST", "q", true, "wait"),
    ])
    func `A request that a server may have had is sent again only if that was asked for`(
        method: String,
        body: String?,
        repeats: Bool,
        outcome: String
    ) throws {
        for how in [Machine.Disconnection.failed("reset"), .idle] {
            var machine = try machine(method, body: body, repeats: repeats)
            _ = machine.connect()
            let unanswered = machine.disconnected(how, at: .zero)
            #expect(name(unanswered) == outcome)

            machine = try self.machine(method, body: body, repeats: repeats)
            _ = machine.connect()
            _ = machine.received(stream, at: .zero)
            let torn = machine.disconnected(how, at: .zero)
            #expect(name(torn) == outcome)
        }
        var machine = try machine(method, body: body, repeats: repeats)
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let ended = machine.disconnected(.endOfBody, at: .zero)
        #expect(name(ended) == (outcome == "wait" ? "wait" : "finish"))
    }

    @Test func `A request that no server has had is tried again`() throws {
        var machine = try machine("POST")
        for _ in 0..<3 {
            let request = machine.connect()
            #expect(request.method == "POST" && request.sendsBody)
            let next = machine.disconnected(.unreachable("refused"), at: .zero)
            #expect(name(next) == "wait")
        }
    }

    @Test(arguments: [
        (408, "wait"), (425, "wait"), (429, "wait"), (503, "wait"), (500, "status"), (502, "status"), (504, "status"),
    ])
    func `A refusal that says that nothing was done is waited out, another one is final`(status: Int, outcome: String)
        throws
    {
        for repeats in [false, true] {
            var machine = try machine("POST", repeats: repeats)
            _ = machine.connect()
            guard case .leave(let next) = machine.received(ResponseHead(status: status), at: .zero) else {
                Issue.record("not left")
                return
            }
            #expect(name(next) == (repeats ? "wait" : outcome))
        }
    }

    @Test func `A POST that became a GET was acted on, so no fate of the GET sends it again`() throws {
        let see = ResponseHead(status: 303, location: "/answer")
        var machine = try machine("POST")
        _ = machine.connect()
        _ = machine.received(see, at: .zero)
        let unreachable = machine.disconnected(.unreachable("refused"), at: .zero)
        #expect(name(unreachable) == "notRepeated")

        machine = try self.machine("POST")
        _ = machine.connect()
        _ = machine.received(see, at: .zero)
        guard case .leave(let next) = machine.received(ResponseHead(status: 503), at: .zero) else {
            Issue.record("not left")
            return
        }
        #expect(name(next) == "status")
    }

    @Test func `Freshet's wish for a reconnection does not send a POST again`() throws {
        var machine = try machine("POST") { $0.dialect = .freshet }
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        var elements: [EventSource.Element] = []
        let action = Array("event: reconnect\ndata: {\"why\":\"draining\"}\n\n".utf8).withUnsafeBytes {
            machine.received($0, at: .zero, into: &elements)
        }
        guard case .leave(.fail(let error)) = action else {
            Issue.record("not a failure: \(action)")
            return
        }
        #expect(error.code == .notRepeated)
        #expect(error.message.contains("draining") && error.message.contains("POST"))
    }

    // MARK: What cannot be sent

    @Test(arguments: ["", "GET / HTTP/1.1\r\nX: y", "PO ST", "é", "CONNECT", "connect", "TRACE"])
    func `A method that cannot be sent is refused before anything is sent`(method: String) {
        #expect {
            _ = try machine(method)
        } throws: { ($0 as? EventSourceError)?.code == .invalidRequest }
    }

    @Test(arguments: [("", "x"), ("X Y", "x"), ("X:", "x"), ("X", "secret\r\nY: z"), ("X", "secret\0")])
    func `A header field that cannot be sent is refused, and its value is not told`(name: String, value: String) {
        #expect {
            _ = try machine("GET", body: nil) { $0.headers = [(name, value)] }
        } throws: { error in
            let error = error as? EventSourceError
            return error?.code == .invalidRequest && error?.message.contains("secret") == false
        }
    }
}
