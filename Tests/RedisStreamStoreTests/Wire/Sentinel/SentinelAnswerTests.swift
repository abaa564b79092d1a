import Testing

@testable import RedisStreamStore

@Suite("What a sentinel says")
struct SentinelAnswerTests {
    private func bulk(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    private func answer(
        _ description: Result<RESPValue, RESPError>,
        _ address: Result<RESPValue, RESPError>
    ) throws(RedisTrouble) -> SentinelAnswer {
        try SentinelAnswer(description, address, of: "m")
    }

    private var description: RESPValue {
        .array([bulk("name"), bulk("m"), bulk("ip"), bulk("10.0.0.1"), bulk("config-epoch"), bulk("7")])
    }

    @Test("names the master by the address of the second reply, and the epoch by the first")
    func read() throws {
        let address = RESPValue.array([bulk("10.0.0.2"), bulk("6380")])
        let read = try answer(.success(description), .success(address))
        #expect(read == SentinelAnswer(master: RedisEndpoint(host: "10.0.0.2", port: 6380), epoch: 7))
        let map = RESPValue.map([RESPPair(bulk("config-epoch"), bulk("7"))])
        let six = RESPValue.array([bulk("fe80::1"), bulk("1")])
        #expect(try answer(.success(map), .success(six)).master.description == "[fe80::1]:1")
    }

    @Test("is refused where it is none")
    func refused() {
        func kind(_ description: Result<RESPValue, RESPError>, _ address: Result<RESPValue, RESPError>)
            -> RedisTrouble.Kind?
        {
            do throws(RedisTrouble) {
                _ = try answer(description, address)
                return nil
            } catch {
                return error.kind
            }
        }
        let known = Result<RESPValue, RESPError>.success(description)
        let wrong: [RESPValue] = [
            .array([]), .array([bulk("h")]), .array([bulk(""), bulk("1")]), .array([bulk("h"), bulk("0")]),
            .array([bulk("h"), bulk("65536")]), .array([bulk("h"), bulk("x")]), .array([bulk("h\n"), bulk("1")]),
            .array([.null, bulk("1")]), .integer(1), bulk("h:1"),
        ]
        for address in wrong { #expect(kind(known, .success(address)) == .malformed, "\(address)") }
        let address = Result<RESPValue, RESPError>.success(.array([bulk("h"), bulk("1")]))
        #expect(kind(.success(.array([])), address) == .malformed)
        #expect(kind(.success(.array([bulk("config-epoch"), bulk("x")])), address) == .malformed)
        #expect(kind(known, .success(.null)) == .masterName)
        let unknown = RESPError(code: "ERR", message: "No such master with that name")
        #expect(kind(.failure(unknown), .success(.null)) == .masterName)
        for (code, message, expected) in [
            ("NOAUTH", "Authentication required.", RedisTrouble.Kind.credentials),
            ("WRONGPASS", "invalid", .credentials),
            ("NOPERM", "this user has no permissions", .permission), ("ERR", "unknown command 'SENTINEL'", .malformed),
            ("ERR", "max number of clients reached", .refused),
        ] {
            let error = Result<RESPValue, RESPError>.failure(RESPError(code: code, message: message))
            #expect(kind(error, error) == expected, "\(code) \(message)")
        }
    }
}
