import ArgumentParser
import Locks
import StoreSuite
import StreamCore
import Testing

@testable import FreshetCLI

@Suite("freshet copy")
struct StreamCopyTests {
    /// Streams in memory, of which some cannot be read.
    private struct Source: StreamExport {
        var names: [String]
        var damaged: Set<String> = []
        var unavailable = false

        func records(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamRecord] {
            let found = names.filter { $0.hasPrefix(prefix) && $0 > after ?? "" }
            return found.prefix(limit).map { StreamRecord(Self.info($0)) }
        }

        func events(
            of record: StreamRecord,
            after offset: Offset,
            limit: PageLimit
        ) async throws(StoreError) -> ExportedPage? {
            if damaged.contains(record.info.name.text) { throw .damaged("It fails its check.") }
            if unavailable { throw .unavailable("The network is gone.") }
            let run = EventRun(EventBatch(EventBody(data: [1, 2])), from: record.info.tail)
            return ExportedPage(parts: [ExportedPage.Part(run: run, age: .zero)])
        }

        static func info(_ name: String) -> StreamInfo {
            let birth = Offset(milliseconds: 1, counter: 0)
            return StreamInfo(
                name: .known(name),
                options: StreamOptions(),
                birth: birth,
                floor: birth,
                tail: birth.advanced(by: 1),
                end: nil,
                events: 1,
                bytes: 2
            )
        }
    }

    /// Takes what it is given, and says of some names what it is told to say.
    private final class Target: StreamImport {
        let outcomes: [String: ImportOutcome]
        private let taken = Mutex<[String]>([])
        private let hasFinished = Mutex(false)
        var names: [String] { taken.withLock(\.self) }
        var isFinished: Bool { hasFinished.withLock(\.self) }

        init(_ outcomes: [String: ImportOutcome] = [:]) { self.outcomes = outcomes }

        func take(
            _ record: StreamRecord,
            events: @Sendable (Offset) async throws(StoreError) -> ExportedPage?
        ) async throws(StoreError) -> ImportOutcome {
            let name = record.info.name.text
            if let outcome = outcomes[name], outcome != .extended { return outcome }
            _ = try await events(record.info.floor)
            taken.withLock { $0.append(name) }
            return outcomes[name] ?? .created
        }

        func finish() { hasFinished.withLock { $0 = true } }
    }

    @Test("takes all streams, a page at a time, and finishes")
    func all() async throws {
        let names = (0..<450).map { "s\(1000 + $0)" }
        let target = Target()
        let told = Mutex(0)
        let result = try await StreamCopy(source: Source(names: names), target: target).run { _ in
            told.withLock { $0 += 1 }
        }
        #expect(target.names == names)
        #expect(target.isFinished)
        #expect(result.created == 450 && result.events == 450 && result.bytes == 900 && result.left.isEmpty)
        let count = told.withLock(\.self)
        #expect(count == 900)
        let some = Target()
        _ = try await StreamCopy(source: Source(names: names), target: some, prefix: "s144").run { _ in }
        #expect(some.names == (0..<10).map { "s144\($0)" })
    }

    @Test("leaves those that cannot be copied, says why, and takes the others")
    func left() async throws {
        let target = Target(["a": .same, "c": .extended, "d": .differs(.wentOn), "e": .changedMeanwhile])
        let source = Source(names: ["a", "b", "c", "d", "e", "f"], damaged: ["b"])
        let result = try await StreamCopy(source: source, target: target).run { _ in }
        #expect(target.names == ["c", "f"])
        #expect(result.created == 1 && result.extended == 1 && result.same == 1 && result.streams == 6)
        let lines = result.left.map(CopyReport.line)
        #expect(lines[0] == "b was not copied: It fails its check.")
        #expect(lines[1] == "d was not copied: it has events or an end there that it does not have here.")
        #expect(lines[2].hasPrefix("e was not copied: it was deleted or trimmed"))
        let summary = CopyReport.summary(result, .directory("from"), .server("https://to"))
        #expect(
            summary
                == "Copied 2 streams (2 events, 4 bytes) from from to https://to. 1 of them had been copied before and had "
                + "gone on. 1 stream was there already. 3 streams could not be copied."
        )
    }

    @Test("stops when a store is gone, and finishes nothing")
    func stops() async throws {
        let target = Target()
        await #expect(throws: StoreError.unavailable("The network is gone.")) {
            try await StreamCopy(source: Source(names: ["a"], unavailable: true), target: target).run { _ in }
        }
        #expect(!target.isFinished)
    }

    @Test("is told places as directories and URLs, and shows no password")
    func places() throws {
        #expect(try CopyPlace("./freshet-data") == .directory("./freshet-data"))
        #expect(try CopyPlace("data") == .directory("data"))
        #expect(try CopyPlace("https://h.example/") == .server("https://h.example"))
        #expect(try CopyPlace("redis://me:secret@r.example/3").description == "redis://r.example:6379/3")
        for wrong in ["", "localhost:4437", "10.0.0.1:6379", "ftp://x", "valkey://r", "redis://me:secret@r:port"] {
            let error = #expect(throws: ValidationError.self) { try CopyPlace(wrong) }
            #expect(error?.message.contains("secret") == false)
        }
        #expect(throws: (any Error).self) { try Copy.parse(["data", "https://h.example"]) }
        #expect(throws: (any Error).self) { try Copy.parse(["data", "data"]) }
        #expect(try Copy.parse(["data", "redis://r"]).target == "redis://r")
    }
}
