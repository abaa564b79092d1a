import ServerSentEvents
import Testing

@testable import EventSource

/// Always the lowest or always the highest value of a range.
private struct Extreme: RandomNumberGenerator, Sendable {
    var value: UInt64
    mutating func next() -> UInt64 { value }

    /// Not 0, which the standard library's rejection sampling would reject for ever.
    static let lowest = Extreme(value: 1 << 32)
    static let highest = Extreme(value: .max)
}

private typealias Machine = ReconnectMachine<Extreme>

private func makeMachine(
    _ random: Extreme = .lowest,
    _ change: (inout EventSource.Configuration) -> Void = { _ in }
) throws -> Machine {
    var configuration = EventSource.Configuration.freshet
    change(&configuration)
    return try Machine(url: "http://host/stream", configuration: configuration, random: random)
}

private let stream = ResponseHead(status: 200, contentType: "text/event-stream")

extension ReconnectMachine {
    fileprivate mutating func feed(
        _ text: String,
        at now: Duration = .zero
    ) -> (BodyAction, [EventSource.Element]) {
        var elements: [EventSource.Element] = []
        let action = Array(text.utf8).withUnsafeBytes { received($0, at: now, into: &elements) }
        return (action, elements)
    }

    /// The delay decided on; nil if no wait was.
    fileprivate mutating func delayAfter(_ how: Disconnection, at now: Duration = .zero) -> Duration? {
        guard case .wait(let reconnection) = disconnected(how, at: now) else { return nil }
        return reconnection.delay
    }
}

@Suite struct ReconnectMachineTests {
    @Test func `The next connection continues after the last finished block, not after an unfinished one`() throws {
        var machine = try makeMachine()
        let request1 = machine.connect()
        #expect(request1.lastEventID == "")
        let action2 = machine.received(stream, at: .zero)
        #expect(action2 == .open)
        let (action, elements) = machine.feed("id: a\ndata: 1\n\nid: b\ndata: 2\n")
        #expect(action == .readOn)
        #expect(elements == [.event(ServerSentEvent(type: "message", data: "1", lastEventID: "a"))])
        _ = machine.disconnected(.failed("cut"), at: .zero)
        let request3 = machine.connect()
        #expect(request3.lastEventID == "a")
    }

    @Test func `A finished block with only an id moves the position`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let fed4 = machine.feed("id: primed\n\n")
        #expect(fed4.1.isEmpty)
        _ = machine.disconnected(.endOfBody, at: .zero)
        let request5 = machine.connect()
        #expect(request5.lastEventID == "primed")
    }

    @Test func `The id sticks over connections that send none, and an empty id clears it`() throws {
        var machine = try makeMachine()
        for (body, id) in [("id: 1\ndata\n\n", "1"), ("data\n\n", "1"), ("id\ndata\n\n", "")] {
            _ = machine.connect()
            _ = machine.received(stream, at: .zero)
            _ = machine.feed(body)
            _ = machine.disconnected(.endOfBody, at: .zero)
            var copy = machine
            let request6 = copy.connect()
            #expect(request6.lastEventID == id)
        }
    }

    @Test func `A start offset is asked for in the query, escaped, and Last-Event-ID rides beside it`() throws {
        var configuration = EventSource.Configuration()
        configuration.startOffset = "a&b"
        configuration.lastEventID = "x"
        var machine = try Machine(url: "http://host/s?as=sse#f", configuration: configuration, random: .lowest)
        let decided = machine.connect()
        #expect(
            decided == .init(url: "http://host/s?as=sse&offset=a%26b", lastEventID: "x", sendsCredentials: true)
        )
    }

    @Test(arguments: [
        "ftp://h/", "about:blank", "mailto:a@b", "javascript:alert(1)", "http://this is invalid/", "", "/x",
        "http://127.0.0.1:65536/", "http://[::1]:70000", "https://h:99999999999999999999/x",
    ])
    func `A URL that cannot be requested is refused before anything is sent`(url: String) {
        #expect {
            try Machine(url: url, configuration: .init(), random: .lowest)
        } throws: { ($0 as? EventSourceError)?.code == .invalidURL }
    }

    // MARK: Answers

    @Test(arguments: [500, 502, 503, 504, 408, 425, 429])
    func `A passing refusal is retried after the longer of backoff and Retry-After`(status: Int) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        let head = ResponseHead(status: status, retryAfter: .seconds(7))
        let decided = machine.received(head, at: .zero)
        #expect(
            decided == .leave(.wait(.init(reason: .status(status), delay: .seconds(7), attempt: 1)))
        )
    }

    @Test(arguments: [201, 205, 206, 210, 299, 304, 400, 401, 403, 404, 406, 410])
    func `Every other status is final`(status: Int) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        let action = machine.received(ResponseHead(status: status, contentType: "text/event-stream"), at: .zero)
        guard case .leave(.fail(let error)) = action else {
            Issue.record("not a failure: \(action)")
            return
        }
        #expect(error.code == .status)
        #expect(error.status == status)
    }

    @Test(arguments: [205, 299, 404, 429, 500, 503])
    func `A browser takes every status but 200 as final`(status: Int) throws {
        var machine = try makeMachine { $0.statusPolicy = .browser }
        _ = machine.connect()
        guard case .leave(.fail(let error)) = machine.received(ResponseHead(status: status), at: .zero) else {
            Issue.record("not a failure")
            return
        }
        #expect(error.status == status)
    }

    @Test func `204 ends it; Freshet's headers say how the stream ended`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        let head = ResponseHead(status: 204, endReason: "failed", endDetail: "out of tokens")
        let action7 = machine.received(head, at: .zero)
        #expect(action7 == .leave(.finish(.init(reason: .failed, detail: "out of tokens"))))

        var standard = try Machine(url: "http://host/", configuration: .init(), random: .lowest)
        _ = standard.connect()
        let action8 = standard.received(head, at: .zero)
        #expect(action8 == .leave(.finish(nil)))
    }

    @Test(arguments: [
        ("text/event-stream", true), ("text/event-stream;", true), ("TEXT/Event-Stream ; charset=windows-1252", true),
        ("x bogus", false), ("text/x-bogus", false), ("text/event-streams", false), (nil, false),
    ])
    func `Only the essence of the content type decides`(type: String?, isAccepted: Bool) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        let action = machine.received(ResponseHead(status: 200, contentType: type), at: .zero)
        #expect((action == .open) == isAccepted)
        if !isAccepted {
            guard case .leave(.fail(let error)) = action else {
                Issue.record("not a failure: \(action)")
                return
            }
            #expect(error.code == .contentType)
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `A redirect is followed, and credentials stay with their origin`(status: Int) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        for (location, url, sendsCredentials) in [
            ("/other?x=1", "http://host/other?x=1", true),
            ("//HOST:80/third", "http://HOST:80/third", true),
            ("http://elsewhere/", "http://elsewhere/", false),
            ("https://host/", "https://host/", false),
            ("http://host/back", "http://host/back", true),
        ] {
            let decided = machine.received(ResponseHead(status: status, location: location), at: .zero)
            #expect(
                decided == .send(.init(url: url, lastEventID: "", sendsCredentials: sendsCredentials))
            )
        }
        let action9 = machine.received(stream, at: .zero)
        #expect(action9 == .open)
        // A reconnection asks the first URL again.
        _ = machine.disconnected(.endOfBody, at: .zero)
        let request10 = machine.connect()
        #expect(request10.url == "http://host/stream")
    }

    @Test(arguments: ["http://h:65535/", "http://h:/", "http://[::1]/", "http://u:70000@h/"])
    func `A URL with any possible port, or none, is requested`(url: String) throws {
        var machine = try Machine(url: url, configuration: .init(), random: .lowest)
        let request = machine.connect()
        #expect(request.url == url)
    }

    @Test(arguments: [
        nil, "", "ftp://host/", "javascript:alert(1)", "http://host:65536/", "//[::1]:99999/x",
        "http://host:99999999999999999999/",
    ])
    func `A redirect that leads nowhere is final`(location: String?) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        guard case .leave(.fail(let error)) = machine.received(.init(status: 302, location: location), at: .zero) else {
            Issue.record("not a failure")
            return
        }
        #expect(error.code == .redirect)
    }

    @Test(arguments: [
        (["/stream"], "http://host/stream leads back to http://host/stream"),
        (["/a", "/a"], "http://host/a leads back to http://host/a"),
        (["/a", "http://other/b", "http://host/stream"], "http://other/b leads back to http://host/stream"),
        (["/1", "/2", "/3", "/4"], "redirects more than 3 times"),
    ])
    func `A circle of redirects, or a chain of too many, ends and says so`(locations: [String], told: String) throws {
        var machine = try makeMachine { $0.maximumRedirects = 3 }
        _ = machine.connect()
        for location in locations.dropLast() {
            guard case .send = machine.received(.init(status: 307, location: location), at: .zero) else {
                Issue.record("not followed")
                return
            }
        }
        guard
            case .leave(.fail(let error)) = machine.received(.init(status: 307, location: locations.last), at: .zero)
        else {
            Issue.record("not a failure")
            return
        }
        #expect(error.code == .redirect)
        #expect(error.message.contains(told), "\(error.message)")
    }

    // MARK: Freshet's events

    @Test func `An end finishes, delivers nothing after it, and keeps what came before`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let (action, elements) = machine.feed(
            "data: last\n\nevent: end\nid: 9\ndata: {\"reason\":\"cancelled\",\"detail\":\"Stop\"}\n\ndata: forged\n\n"
        )
        #expect(elements == [.event(ServerSentEvent(type: "message", data: "last", lastEventID: ""))])
        #expect(action == .leave(.finish(.init(reason: .cancelled, detail: "Stop"))))
    }

    @Test func `Gap and start are typed, a heartbeat is not delivered, a snapshot is an event`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let (_, elements) = machine.feed(
            """
            event: start
            id: S
            data: {"offset":"S"}

            event: gap
            id: F
            data: {"requested":"X","resumed":"F"}

            event: heartbeat
            data:

            event: snapshot
            data: s


            """
        )
        #expect(
            elements == [
                .start(offset: "S"), .gap(.init(requested: "X", resumed: "F")),
                .event(ServerSentEvent(type: "snapshot", data: "s", lastEventID: "F")),
            ]
        )
    }

    @Test func `A request to reconnect is followed at once, after the wait it asks for`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let (action, elements) = machine.feed(
            "data: 1\nid: 1\n\nretry: 4000\nevent: reconnect\ndata: {\"why\":\"draining\"}\n\n"
        )
        #expect(elements.count == 1)
        #expect(
            action
                == .leave(.wait(.init(reason: .requested(why: "draining"), delay: .seconds(4), attempt: 1)))
        )
        let request11 = machine.connect()
        #expect(request11.lastEventID == "1")
    }

    @Test func `In the standard dialect Freshet's types are ordinary events`() throws {
        var machine = try Machine(url: "http://host/", configuration: .init(), random: .lowest)
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let (action, elements) = machine.feed("event: end\ndata: {}\n\nevent: heartbeat\ndata: x\n\n")
        #expect(action == .readOn)
        #expect(elements.count == 2)
    }

    @Test func `Comments are delivered when asked for`() throws {
        var machine = try makeMachine { $0.deliversComments = true }
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let fed12 = machine.feed(": ok\n")
        #expect(fed12.1 == [.comment(" ok")])
    }

    @Test(arguments: ["gzip", "GZIP", "br", "x-unheard-of"])
    func `A coding that was not asked for is final, and told`(coding: String) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        let head = ResponseHead(status: 200, contentType: "text/event-stream", contentEncoding: coding)
        guard case .leave(.fail(let error)) = machine.received(head, at: .zero) else {
            Issue.record("not a failure")
            return
        }
        #expect(error.code == .contentEncoding)
        #expect(error.message.contains("'\(coding.lowercased())', which was not asked for"))
    }

    @Test(arguments: ["", "identity", "Identity", nil])
    func `No coding is none`(coding: String?) throws {
        var machine = try makeMachine()
        _ = machine.connect()
        let head = ResponseHead(status: 200, contentType: "text/event-stream", contentEncoding: coding)
        let action = machine.received(head, at: .zero)
        #expect(action == .open)
    }

    @Test func `Lines are read where they were asked for, and nowhere else`() throws {
        let head = ResponseHead(status: 200, contentType: "application/x-ndjson")
        var other = try makeMachine()
        _ = other.connect()
        guard case .leave(.fail(let error)) = other.received(head, at: .zero) else {
            Issue.record("not a failure")
            return
        }
        #expect(error.code == .contentType)
        var machine = try makeMachine { $0.format = .lines }
        _ = machine.connect()
        let action = machine.received(head, at: .zero)
        #expect(action == .open)
        let (last, elements) = machine.feed(
            #"{"id":"a","data":"x"}"# + "\n" + #"{"event":"end","data":{"reason":"done"}}"# + "\n"
        )
        #expect(last == .leave(.finish(.init(reason: .done))))
        #expect(elements == [.event(ServerSentEvent(data: "\"x\"", lastEventID: "a"))])
    }

    @Test func `A line beyond the limit is final`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        var last = Machine.BodyAction.readOn
        for _ in 0..<100 {
            (last, _) = machine.feed(String(repeating: "x", count: 1 << 20))
            if last != .readOn { break }
        }
        guard case .leave(.fail(let error)) = last else {
            Issue.record("not a failure")
            return
        }
        #expect(error.code == .limitExceeded)
    }

    @Test func `An id that no header can carry ends it with its reason, instead of failing for ever`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        _ = machine.feed("id: \u{1}\ndata: x\n\n")
        guard case .fail(let error) = machine.disconnected(.endOfBody, at: .zero) else {
            Issue.record("not a failure")
            return
        }
        #expect(error.code == .unsendableLastEventID)
    }

    // MARK: Waiting

    @Test func `A connection that did its work is followed by the reconnection time and at most a fifth more`() throws {
        for (random, expected) in [(Extreme.lowest, 3000), (.highest, 3600)] {
            var machine = try makeMachine(random)
            for _ in 0..<3 {
                _ = machine.connect()
                _ = machine.received(stream, at: .zero)
                _ = machine.feed("retry: 3000\nretry: 1000x\ndata: x\n\n")
                let delay13 = machine.delayAfter(.endOfBody)
                #expect(delay13 == .milliseconds(expected))
            }
        }
    }

    @Test func `Failures in a row wait longer and longer, up to the maximum, never less than the server asked`() throws
    {
        var machine = try makeMachine(.highest) { $0.reconnectionTime = .seconds(1) }
        var delays: [Duration] = []
        for _ in 0..<8 {
            _ = machine.connect()
            let delay = machine.delayAfter(.failed("refused"))
            delays.append(try #require(delay))
        }
        #expect(delays == [1.2, 2, 4, 8, 16, 30, 30, 30].map { .milliseconds(Int($0 * 1000)) })

        var patient = try makeMachine { $0.reconnectionTime = .seconds(60) }
        for _ in 0..<4 {
            _ = patient.connect()
            let wait = patient.delayAfter(.failed("refused"))
            let delay = try #require(wait)
            #expect(delay >= .seconds(60))
        }
    }

    @Test func `Connections that open and close without an event do not spin, even with retry 0`() throws {
        var machine = try makeMachine(.highest)
        var delays: [Duration] = []
        for _ in 0..<4 {
            _ = machine.connect()
            _ = machine.received(stream, at: .zero)
            _ = machine.feed("retry: 0\n\n")
            let delay = machine.delayAfter(.endOfBody)
            delays.append(try #require(delay))
        }
        #expect(delays == [0, 200, 400, 800].map { .milliseconds($0) })
    }

    @Test func `A long silent connection starts the backoff anew, a short one does not`() throws {
        for (uptime, attempt) in [(Duration.seconds(59), 3), (.seconds(60), 1)] {
            var machine = try makeMachine { $0.backoffResetThreshold = .seconds(60) }
            for _ in 0..<2 {
                _ = machine.connect()
                _ = machine.disconnected(.failed("refused"), at: .zero)
            }
            _ = machine.connect()
            _ = machine.received(stream, at: .zero)
            guard case .wait(let reconnection) = machine.disconnected(.idle, at: uptime) else {
                Issue.record("no reconnection")
                return
            }
            #expect(reconnection.attempt == attempt)
            #expect(reconnection.reason == .idle)
        }
    }

    @Test func `A server's absurd wish for a wait is bounded by an hour`() throws {
        var machine = try makeMachine()
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        _ = machine.feed("retry: 99999999999999999\ndata: x\n\n")
        let delay14 = machine.delayAfter(.endOfBody)
        #expect(delay14 == .seconds(3600))
    }

    @Test func `It gives up only after the configured time without a connection`() throws {
        var machine = try makeMachine { $0.givesUpAfter = .seconds(10) }
        _ = machine.connect()
        _ = machine.received(stream, at: .seconds(1))
        #expect(machine.delayAfter(.failed("cut"), at: .seconds(100)) != nil)
        _ = machine.connect()
        #expect(machine.delayAfter(.failed("refused"), at: .seconds(109)) != nil)
        _ = machine.connect()
        guard case .fail(let error) = machine.disconnected(.failed("refused"), at: .seconds(110)) else {
            Issue.record("did not give up")
            return
        }
        #expect(error.code == .gaveUp)
        #expect(error.message.contains("refused"))
    }

    @Test func `No wait that a server asks for outlasts the time to give up`() throws {
        for asks in ["retry: 3600000\ndata: x\n\n", "data: x\n\n"] {
            var machine = try makeMachine { $0.givesUpAfter = .seconds(10) }
            _ = machine.connect()
            _ = machine.received(stream, at: .zero)
            _ = machine.feed(asks)
            let isLong = asks.hasPrefix("retry")
            let first = machine.delayAfter(.endOfBody, at: .seconds(100))
            #expect(first == (isLong ? .seconds(10) : .seconds(2)))
            _ = machine.connect()
            // The server refuses, and asks for an hour too.
            let head = ResponseHead(status: 503, retryAfter: .seconds(3600))
            guard case .leave(.wait(let wait)) = machine.received(head, at: .seconds(104)) else {
                Issue.record("did not wait")
                return
            }
            #expect(wait.delay == .seconds(6))
            _ = machine.connect()
            guard case .leave(.fail(let error)) = machine.received(head, at: .seconds(110)) else {
                Issue.record("did not give up")
                return
            }
            #expect(error.code == .gaveUp)
        }
    }

    @Test func `Stopping at the end of the body takes a clean end only`() throws {
        for (how, finishes) in [(Machine.Disconnection.endOfBody, true), (.failed("reset"), false), (.idle, false)] {
            var machine = try makeMachine { $0.stopsAtEndOfBody = true }
            _ = machine.connect()
            _ = machine.received(stream, at: .zero)
            let next = machine.disconnected(how, at: .zero)
            #expect((next == .finish(nil)) == finishes)
        }
    }
}
