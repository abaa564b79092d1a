import FreshetServer
import Testing

/// The one setting that has another name than before stands for all that will.
@Suite("A setting by the name it had before")
struct RenamingTests {
    private let former = "live-sse-seconds"
    private let name = "durable-streams-sse-seconds"
    private let variable = "FRESHET_LIVE_SSE_SECONDS"

    private func read(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: String = ""
    ) throws(ConfigurationError) -> (Duration, warnings: [String]) {
        var warnings: [String] = []
        let configuration = try ServerConfiguration(
            flags: flags.mapValues { .text($0) },
            environment: environment,
            file: ConfigurationFile(name: "freshet.yaml", text: file),
            warn: { warnings.append($0) }
        )
        return (configuration.durableStreamsSSE, warnings)
    }

    private func problems(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: String = ""
    ) throws -> [String] {
        try #require(throws: ConfigurationError.self) {
            _ = try read(flags: flags, environment: environment, file: file)
        }.problems
    }

    @Test("sets it as a flag, a variable and in a file, with one warning that says where it stands")
    func everyPlace() throws {
        for (result, place) in [
            (try read(flags: [former: "5"]), "--\(former)"), (try read(environment: [variable: "5"]), variable),
            (try read(file: "\(former): 5"), "freshet.yaml:1: \(former)"),
        ] {
            #expect(result.0 == .seconds(5))
            #expect(
                result.warnings == [
                    "The setting \(former) is called \(name) now. The old name still works; replace it here: \(place)"
                ]
            )
        }
    }

    @Test("is warned of once, however many places use it, and not at all by its new name")
    func once() throws {
        let (value, warnings) = try read(flags: [former: "7"], environment: [variable: "6"], file: "\(former): 5")
        #expect(value == .seconds(7) && warnings.count == 1)
        for place in ["--\(former)", variable, "freshet.yaml:1: \(former)"] { #expect(warnings[0].contains(place)) }
        #expect(try read(flags: [name: "5"]).warnings.isEmpty && read().warnings.isEmpty)
    }

    @Test("gives way to the new name where that place wins, and wins where its own does")
    func bothInDifferentPlaces() throws {
        let (value, warnings) = try read(flags: [name: "7"], file: "\(former): 5")
        #expect(value == .seconds(7) && warnings.count == 1)
        #expect(try read(flags: [former: "7"], file: "\(name): 5").0 == .seconds(7))
    }

    @Test("is refused beside the new name in one place, whatever the two say")
    func bothInOnePlace() throws {
        let end = "this is the former name of \(name), which is written there too. Take this one out"
        #expect(try problems(flags: [former: "5", name: "5"]) == ["--\(former): \(end)"])
        let both = [variable: "5", "FRESHET_DURABLE_STREAMS_SSE_SECONDS": "6"]
        #expect(try problems(environment: both) == ["\(variable): \(end)"])
        #expect(try problems(file: "\(name): 5\n\(former): 6") == ["freshet.yaml:2: \(former): \(end)"])
    }

    @Test("is checked like the new one")
    func checked() throws {
        #expect(try problems(flags: [former: "no"])[0].hasPrefix("--\(former): \"no\" is not a number of seconds"))
        #expect(try problems(environment: [variable: "0"])[0].hasPrefix("\(variable): "))
    }
}
