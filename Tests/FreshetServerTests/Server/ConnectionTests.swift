import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Connections and requests as bytes", .timeLimit(.minutes(10)))
struct ConnectionTests {
    @Test("blanks after a value are no part of it")
    func blanks() async throws {
        try await TestServer.run { server in
            let type = "Content-Type: text/plain \t"
            try await server.ask("PUT", "/v1/stream/a", type)
            let post = try await server.ask("POST", "/v1/stream/a", type, "Stream-Closed: true \t", body: "x")
            #expect(post.status == 204)
            let answer = try await server.ask("GET", "/v1/stream/a")
            #expect(answer.header("Stream-Closed") == "true")
            #expect(try await server.connect().request("GET /health HTTP/1.1\r\nHost: a b\r\n\r\n").status == 400)
            // Bytes of whatever type somebody appended make no page that could act for who looks at it.
            #expect(answer.header("Content-Security-Policy") == "sandbox; default-src 'none'")
        }
    }

    @Test(
        "what is no request is answered and the connection closed in good order",
        arguments: [
            ("GARBAGE\r\n\r\n", 501), ("GET /health\r\n\r\n", 505),
            ("GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
            ("GET /health HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
            ("FROB /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
            ("GET /health HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n", 400),
            ("GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\u{0}b\r\n\r\n", 400),
            ("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
            ("POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            (
                "POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                400
            ),
            ("POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("POST /v1/stream/a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ]
    )
    func malformed(bytes: String, status: Int) async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send(bytes)
            let answer = try await client.response()
            #expect(answer.status == status)
            // What comes after it does not cost the client its response.
            try? await client.send(String(repeating: "more garbage ", count: 1000))
            #expect(try await client.readToEnd() == "")
            #expect(try await server.ask("GET", "/health").status == 200)
        }
    }

    @Test("a malformed chunk in an atomic body is 400 and appends nothing")
    func malformedChunk() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: application/json")
            let client = try await server.connect()
            let head = ["Content-Type: application/json", "Transfer-Encoding: chunked"]
            try await client.send(server.request("POST", "/v1/stream/a", head) + "1\r\n1\r\nzz\r\n")
            #expect(try await client.response().status == 400)
            #expect(try await client.readToEnd() == "")
            #expect(try await server.ask("GET", "/v1/stream/a").body == "[]")
        }
    }

    @Test("requests that come together are answered one after the other, also when the client stops sending")
    func pipelining() async throws {
        try await TestServer.run { server in
            let type = ["Content-Type: text/plain"]
            let requests =
                server.request("PUT", "/v1/stream/a", type) + server.request("POST", "/v1/stream/a", type, body: "x")
                + server.request("GET", "/v1/stream/a") + server.request("GET", "/v1/stream/none")
            for stops in [false, true] {
                let client = try await server.connect()
                try await client.send(requests)
                if stops { try await client.endSending() }
                #expect(try await client.response().status == (stops ? 200 : 201))
                #expect(try await client.response().status == 204)
                #expect(try await client.response().body == (stops ? "xx" : "x"))
                #expect(try await client.response().status == 404)
                if stops { #expect(try await client.readToEnd() == "") } else { await client.close() }
            }
        }
    }

    @Test("what comes while a response is made, also the end, changes nothing of it, and is answered after it")
    func whileAnswerIsMade() async throws {
        let gate = StoreGate()
        try await TestServer.run(gate: gate) { server in
            let type = ["Content-Type: text/plain"]
            try await server.ask("PUT", "/v1/stream/a", type[0])
            let append = server.request("POST", "/v1/stream/a", type, body: "x")
            for next in ["", server.request("GET", "/v1/stream/a"), append + append] {
                for stops in [false, true] {
                    gate.shut()
                    let client = try await server.connect()
                    try await client.send(append)
                    while gate.waiting == 0 { await Task.yield() }
                    try await client.send(next)
                    if stops { try await client.endSending() }
                    gate.open()
                    #expect(try await client.response().status == 204)
                    for _ in 0..<(next.isEmpty ? 0 : next.hasPrefix("GET") ? 1 : 2) {
                        let status = try await client.response().status
                        #expect(status == 200 || status == 204)
                    }
                    if stops { #expect(try await client.readToEnd() == "") } else { await client.close() }
                }
            }
        }
    }

    @Test("a client that asks for much and takes nothing makes the server hold little, and then gets everything")
    func pipelinedReads() async throws {
        try await TestServer.run { server in
            let type = "Content-Type: text/plain"
            try await server.ask("PUT", "/v1/stream/a", type, body: String(repeating: "x", count: 500_000))
            let client = try await RawClient.connect(port: server.port, receiveBuffer: 4096)
            #expect(try await client.request(server.request("HEAD", "/v1/stream/a")).status == 200)
            try await client.pause()
            try await client.send(String(repeating: server.request("GET", "/v1/stream/a"), count: 40))
            // Another connection is served meanwhile.
            #expect(try await server.ask("HEAD", "/v1/stream/a").status == 200)
            try await client.resume()
            for _ in 0..<40 { #expect(try await client.response().body.utf8.count == 500_000) }
        }
    }

    @Test("a half-close after a request does not cost the response")
    func halfClose() async throws {
        try await TestServer.run { server in
            let type = "Content-Type: text/plain"
            try await server.ask("PUT", "/v1/stream/a", type, body: String(repeating: "x", count: 900_000))
            for line in [[], ["Connection: close"]] {
                let client = try await RawClient.connect(port: server.port, receiveBuffer: 4096)
                try await client.send(server.request("GET", "/v1/stream/a", line))
                try await client.endSending()
                #expect(try await client.response().body.utf8.count == 900_000)
                #expect(try await client.readToEnd() == "")
            }
        }
    }

    @Test("HTTP/1.0: no chunks, and the connection closes unless it is asked to stay")
    func http10() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            let reader = try await server.connect()
            try await reader.send("GET /v1/stream/a HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")
            let head = try await reader.head()
            #expect(head.hasPrefix("HTTP/1.0 200 OK\r\n"))
            #expect(head.contains("Connection: close\r\n"))
            #expect(!head.contains("Transfer-Encoding"))
            #expect(
                try await reader.read(through: "x\n\n")
                    == ": ok\n\nretry: 2000\nid: \(server.offset(1))\ndata: x\n\n"
            )
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            let rest = "event: end\nid: \(server.offset(2))\ndata: {\"reason\":\"done\"}\n\n"
            #expect(try await reader.readToEnd() == rest)
            let kept = try await server.connect()
            let answer = try await kept.request("GET /v1/stream/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(answer.header("Connection") == "keep-alive")
            #expect(try await kept.request("GET /v1/stream/a HTTP/1.0\r\n\r\n").body == "x")
            #expect(try await kept.readToEnd() == "")
        }
    }

    @Test("bytes behind the request of a reader are discarded, whatever they are")
    func bytesBehindASubscription() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            for extra in ["GET /hea", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "\u{0}\u{1}garbage", ""] {
                let reader = try await server.connect()
                try await reader.send(server.request("GET", "/v1/stream/a", ["Accept: text/event-stream"]) + extra)
                _ = try await reader.head()
                #expect(try await reader.chunk() == ": ok\n\n")
                try await reader.send("more \(extra)")
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "next")
                #expect(try await reader.read(through: "data: next\n\n").hasSuffix("data: next\n\n"))
                await reader.close()
                try await server.ask("DELETE", "/v1/stream/a")
                try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            }
        }
    }

    @Test("a reader that goes is noticed at once")
    func readerLeaves() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            _ = try await reader.chunk()
            // It is told its first word a moment before it is counted.
            try await server.until("it is counted") { try server.streams.attendance(of: StreamName("a")).readers == 1 }
            await reader.close()
            try await server.until("it is gone") { try server.streams.attendance(of: StreamName("a")).readers == 0 }
        }
    }

    @Test("a request to upgrade is answered as any other, and is the last of its connection")
    func upgrade() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            let answer = try await client.request(
                server.request("GET", "/health", ["Connection: Upgrade", "Upgrade: websocket"])
            )
            #expect(answer.status == 200)
            #expect(answer.header("Connection") == "close")
            #expect(try await client.readToEnd() == "")
            let connect = try await server.connect()
            try await connect.send("CONNECT localhost:1 HTTP/1.1\r\n\(server.host)\r\n")
            #expect(try await connect.response().status >= 400)
            #expect(try await connect.readToEnd() == "")
        }
    }

    @Test("a target with scheme and authority is served (RFC 9112, section 3.2.2)")
    func absoluteForm() async throws {
        try await TestServer.run { server in
            let answer = try await server.ask("GET", "http://localhost:\(server.port)/health")
            #expect(answer.status == 200)
            #expect(answer.body == "{\"status\":\"ready\"}\n")
        }
    }

    @Test("nothing of a server is left when it has stopped")
    func nothingLeaks() async throws {
        weak var streams: Streams?
        try await TestServer.run { server in
            streams = server.streams
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let reader = try await server.reader("/v1/stream/a")
            let held = try await server.reader("/v1/stream/none")
            let producer = try await server.connect()
            let head = ["Content-Type: text/plain", "Transfer-Encoding: chunked"]
            try await producer.send(server.request("POST", "/v1/stream/a", head) + "1\r\nx\r\n")
            _ = try await reader.read(through: "data: x\n\n")
            try await producer.send("0\r\n\r\n")
            #expect(try await producer.response().status == 204)
            let torn = try await server.connect()
            try await torn.send(server.request("POST", "/v1/stream/a", head) + "1\r\ny\r\n")
            _ = try await reader.read(through: "data: y\n\n")
            _ = held
        }
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(120)
        while streams != nil, clock.now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        #expect(streams == nil)
    }
}
