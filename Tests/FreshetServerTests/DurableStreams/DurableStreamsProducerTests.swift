import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

/// Durable Streams protocol, section 5.2.1: idempotent producers.
@Suite("Durable Streams: idempotent producers", .timeLimit(.minutes(10)))
struct DurableStreamsProducerTests {
    private func post(
        _ server: DurableStreamsServer,
        _ epoch: String?,
        _ sequence: String?,
        id: String? = "p",
        type: String = "text/plain",
        closes: Bool = false,
        body: String? = "x"
    ) async throws -> DurableStreamsResponse {
        try await server.ask(
            .POST,
            "a",
            [
                "Content-Type": type, "Stream-Closed": closes ? "true" : "false",
                id == nil ? "X-None" : "Producer-Id": id ?? "", epoch == nil ? "X-None" : "Producer-Epoch": epoch ?? "",
                sequence == nil ? "X-None" : "Producer-Seq": sequence ?? "",
            ],
            body: body
        )
    }

    @Test(
        "5.2.1: new data is 200, a duplicate 204 and appends nothing; both tell the highest sequence",
        arguments: Keeping.allCases
    )
    func duplicates(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let first = try await post(server, "0", "0", body: "a")
            #expect(first.status == 200)
            #expect(first["Producer-Epoch"] == "0")
            #expect(first["Producer-Seq"] == "0")
            #expect(try await post(server, "0", "1", body: "b").status == 200)
            let again = try await post(server, "0", "0", body: "a")
            #expect(again.status == 204)
            #expect(again["Producer-Seq"] == "1")
            #expect(try await server.read("a").body == "ab")
        }
    }

    @Test("5.2.1: a gap MUST be 409 with the expected and the received sequence", arguments: Keeping.allCases)
    func gaps(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let early = try await post(server, "0", "1")
            #expect(early.status == 409)
            #expect(early["Producer-Expected-Seq"] == "0")
            #expect(early["Producer-Received-Seq"] == "1")
            #expect(try await post(server, "0", "0").status == 200)
            #expect(try await post(server, "0", "2")["Producer-Expected-Seq"] == "1")
        }
    }

    @Test("5.2.1: an older epoch is 403 with the current one; a new one MUST begin at 0", arguments: Keeping.allCases)
    func epochs(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            #expect(try await post(server, "0", "0").status == 200)
            #expect(try await post(server, "1", "1").status == 400)
            #expect(try await post(server, "1", "0").status == 200)
            let zombie = try await post(server, "0", "1")
            #expect(zombie.status == 403)
            #expect(zombie["Producer-Epoch"] == "1")
        }
    }

    @Test(
        "5.2.1: the three headers MUST come together, with a name and numbers up to 2^53 - 1",
        arguments: Keeping.allCases
    )
    func malformed(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let largest = "9007199254740991"
            for (id, epoch, sequence): (String?, String?, String?) in [
                (nil, "0", "0"), ("p", nil, "0"), ("p", "0", nil), ("", "0", "0"), ("p", "-1", "0"), ("p", "0", "1.5"),
                ("p", "x", "0"), ("p", "9007199254740992", "0"), ("p", "0", "9007199254740992"),
            ] {
                #expect(
                    try await post(server, epoch, sequence, id: id).status == 400,
                    "\(String(describing: (id, epoch, sequence)))"
                )
            }
            #expect(try await post(server, largest, "0").status == 200)
        }
    }

    @Test(
        "5.2.1: the tuple that closed the stream is 204; every other one MUST be 409, and tells what was kept",
        arguments: Keeping.allCases
    )
    func closing(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            #expect(try await post(server, "0", "0", body: "a").status == 200)
            let closed = try await post(server, "0", "1", closes: true, body: "b")
            #expect(closed.status == 200)
            #expect(closed["Stream-Closed"] == "true")
            let again = try await post(server, "0", "1", closes: true, body: "b")
            #expect(again.status == 204)
            #expect(again["Stream-Closed"] == "true")
            for refused in [
                try await post(server, "0", "0", body: "a"), try await post(server, "0", "2", body: "c"),
                try await post(server, "1", "0", body: "c"),
                try await post(server, "0", "2", type: "application/json", body: "{"),
            ] {
                #expect(refused.status == 409)
                #expect(refused["Stream-Closed"] == "true")
                #expect(refused["Producer-Epoch"] == "0")
                #expect(refused["Producer-Seq"] == "1")
            }
            #expect(try await post(server, "0", "0", id: "other").status == 409)
            #expect(try await server.read("a").body == "ab")
        }
    }

    @Test("5.2.1: a close without a body is idempotent too", arguments: Keeping.allCases)
    func closingWithoutBody(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let closed = try await post(server, "0", "0", closes: true, body: nil)
            #expect(closed.status == 204)
            #expect(closed["Producer-Seq"] == "0")
            #expect(try await post(server, "0", "0", closes: true, body: nil).status == 204)
            #expect(try await post(server, "0", "1", closes: true, body: nil).status == 409)
        }
    }

    @Test("5.2.1: the order of checks: closed, type, producer, Stream-Seq", arguments: Keeping.allCases)
    func order(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let headers: KeyValuePairs = [
                "Content-Type": "text/plain", "Producer-Id": "p", "Producer-Epoch": "1", "Producer-Seq": "0",
                "Stream-Seq": "m",
            ]
            #expect(try await server.ask(.POST, "a", headers, body: "x").status == 200)
            // A wrong type is told before an old epoch, and a duplicate before a sequence that does not grow.
            #expect(try await post(server, "0", "0", type: "text/html").status == 409)
            #expect(try await server.ask(.POST, "a", headers, body: "x").status == 204)
            #expect(try await post(server, "0", "0").status == 403)
        }
    }

    @Test(
        "5.2.1: MUST be serialised for each producer: of many copies at once one is kept",
        arguments: Keeping.allCases
    )
    func concurrency(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await post(server, "0", "0").status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 1)
            #expect(statuses.count { $0 == 204 } == 19)
            #expect(try await server.read("a").body == "x")
        }
    }
}
