import Freshet
import FreshetHummingbird
import Testing

@Suite("The configuration of streams inside a Hummingbird application")
struct ConfigurationTests {
    @Test("It has the defaults of a server, and a setting of requests without a property is set by its name")
    func byName() throws {
        var configuration = HummingbirdStreams.Configuration()
        #expect(configuration.heartbeat == .seconds(10) && configuration.heldReaders == 10_000)
        #expect(configuration.drainDeadline == EmbeddedServer.Configuration().drainDeadline)
        let untouched = configuration
        try configuration.set("durable-streams-sse-seconds", to: "5")
        #expect(configuration != untouched)
        try configuration.set("heartbeat-seconds", to: "2.5")
        #expect(configuration.heartbeat == .milliseconds(2500))
        _ = try HummingbirdStreams(EventStreams(), configuration: configuration)
    }

    @Test(
        "What belongs to connections, to the store and to the program is set elsewhere",
        arguments: ["port", "keys", "idle-seconds", "connections", "kept-bytes", "data", "upstreams", "nothing"]
    )
    func elsewhere(name: String) {
        var configuration = HummingbirdStreams.Configuration()
        let error = #expect(throws: SetupError.self) { try configuration.set(name, to: "1") }
        #expect(error?.problems.first?.hasPrefix("\(name): there is no such setting; ") == true)
    }
}
