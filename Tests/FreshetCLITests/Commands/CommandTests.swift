import Foundation
import NIOCore
import NIOHTTP1
import PrintableText
import ScriptedServer
import Testing

@testable import FreshetCLI

/// The built program, as a shell runs it, against a scripted server.
@Suite struct CommandTests {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Beside the test bundle.
    static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("freshet")
    static let isBuilt = FileManager.default.isExecutableFile(atPath: program.path)

    private func run(
        _ arguments: [String],
        server: String,
        input: String = "",
        output destination: FileHandle? = nil
    ) async throws -> Result {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.environment = ["FRESHET_URL": server, "FRESHET_KEY": "k"]
        let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = destination ?? output
        process.standardError = errors
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                do {
                    try process.run()
                } catch {
                    continuation.resume(throwing: error)
                    return
                }
                standardInput.fileHandleForWriting.write(Data(input.utf8))
                try? standardInput.fileHandleForWriting.close()
                // The process never had this end then, and nothing comes.
                if destination != nil { try? output.fileHandleForWriting.close() }
                let printed = output.fileHandleForReading.readDataToEndOfFile()
                let told = errors.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(
                    returning: Result(
                        status: process.terminationStatus,
                        output: String(decoding: printed, as: UTF8.self),
                        errors: String(decoding: told, as: UTF8.self)
                    )
                )
            }
        }
    }

    @Test(
        .enabled(if: isBuilt),
        arguments: [
            ("done", 0), ("failed", 3), ("cancelled", 4), ("abandoned", 5), ("deleted", 6), ("expired", 6),
            ("unheard-of", 1),
        ] as [(String, Int32)]
    )
    func `tail prints what was appended, resumes, and exits by the reason of the end`(
        reason: String,
        status: Int32
    ) async throws {
        try await ScriptedServer.run { _, request in
            switch (request.method, request.headers.first(name: "Last-Event-ID")) {
            case ("HEAD", _): .init(200, [("Content-Type", "text/plain; charset=utf-8")])
            case (_, nil): .lines("{\"id\":\"a\",\"data\":\"Hello\"}\n{\"id\":\"b\",\"data\":\",", end: .abort)
            case (_, "a"): .lines("{\"id\":\"b\",\"data\":\",\\r world\"}\n")
            default:
                .lines(#"{"id":"c","event":"end","data":{"reason":"\#(reason)","detail":"so it is"}}"# + "\n")
            }
        } _: { server in
            let result = try await run(["tail", "answer"], server: server.origin)
            #expect(result.output == "Hello,\r world")
            #expect(result.errors.contains("\(reason) (so it is)"))
            #expect(result.status == status)
            let first = try #require(server.requests.first { $0.method == "GET" })
            #expect(first.uri == "/v1/stream/answer?offset=-1")
            #expect(first.headers["Authorization"] == ["Bearer k"])
        }
    }

    @Test(.enabled(if: isBuilt)) func `tail says what the server refuses`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(404, [("Content-Type", "application/problem+json")], body: #"{"title":"No such stream"}"#)
        } _: { server in
            let result = try await run(["tail", "answer"], server: server.origin)
            #expect(result.status == 6)
            #expect(result.errors == "freshet: No such stream (404)\n")
        }
    }

    @Test(.enabled(if: isBuilt)) func `What a stream's end or gap says begins no line of its own`() async throws {
        let gap = #"{"event":"gap","data":{"requested":"a","resumed":"b\nfreshet: forged"}}"# + "\n"
        let end =
            #"{"id":"c","event":"end","data":{"reason":"failed","detail":"x\nfreshet: forged\u009b"}}"# + "\n"
        try await ScriptedServer.run { _, _ in
            .lines(gap + end)
        } _: { server in
            let result = try await run(["tail", "answer"], server: server.origin)
            #expect(result.status == 3)
            #expect(!result.errors.contains("\nfreshet: forged"), "\(result.errors)")
            #expect(result.errors.contains("failed (x\\u{A}freshet: forged\\u{9B})\n"), "\(result.errors)")
        }
    }

    @Test(
        .enabled(if: isBuilt),
        arguments: [
            ["info", "a\u{9B}31m"], ["tail", "a\u{1B}[2J"], ["ls", "a", "\u{202E}b"],
            ["append", "x", "--end", "\u{9B}"],
            ["serve", "--memory", "--port", "\u{9B}"], ["serve", "--memory", "--keys", "/nowhere/\u{202E}"],
        ]
    )
    func `An argument that is refused drives no terminal`(arguments: [String]) async throws {
        let result = try await run(arguments, server: "http://127.0.0.1:1")
        #expect(result.status == 64)
        #expect(result.errors.hasPrefix("Error: "), "\(result.errors)")
        #expect(result.errors.contains("\\u{"), "\(result.errors)")
        #expect(result.errors.contains("\nUsage: freshet"), "\(result.errors)")
        let commands = result.errors.unicodeScalars.filter { $0 != "\n" && PrintableText.isCommand($0) }
        #expect(commands.isEmpty, "\(result.errors.debugDescription)")
    }

    @Test(.enabled(if: isBuilt)) func `append sends standard input and ends the stream`() async throws {
        try await ScriptedServer.run { index, request in
            let next = [("Stream-Next-Offset", "1")]
            return index == 0
                ? .init(201, next)
                : .init(200, next + (request.headers["Stream-Closed"] == ["true"] ? [("Stream-Closed", "true")] : []))
        } _: { server in
            let result = try await run(
                ["append", "a/b", "--content-type", "application/json", "--end", "failed", "--end-detail", "why"],
                server: server.origin,
                input: "1\n{\"a\":2}\n"
            )
            #expect(result.status == 0)
            #expect(result.output.isEmpty)
            #expect(server.requests.allSatisfy { $0.uri == "/v1/stream/a/b" })
            #expect(server.requests[0].headers["Stream-Lease"] == ["60"])
            let end = try #require(server.requests.last)
            #expect(end.headers["Stream-End-Reason"] == ["failed"])
            #expect(end.headers["Stream-End-Detail"] == ["why"])
            #expect(server.requests.dropFirst().dropLast().map(\.text).joined() == "[1,{\"a\":2}]")
        }
    }

    @Test(.enabled(if: isBuilt)) func `cancel prints how the stream ended`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(204, [("Stream-Next-Offset", "1"), ("Stream-Closed", "true"), ("Stream-End-Reason", "done")])
        } _: { server in
            let result = try await run(["cancel", "x"], server: server.origin)
            #expect(result.status == 0)
            #expect(result.output == "done\n")
            #expect(server.requests[0].headers["Stream-Cancel"] == ["true"])
            #expect(server.requests[0].body.isEmpty)
        }
    }

    @Test(
        .enabled(if: isBuilt),
        arguments: [
            ("<html>Welcome</html>", "something other than JSON, of type text/html"),
            (#"{"hello":1}"#, "JSON that describes no stream"), ("", "an empty response"),
        ]
    )
    func `A page that is no Freshet server's is told, without a dump`(body: String, told: String) async throws {
        try await ScriptedServer.run { _, _ in
            .init(200, [("Content-Type", "text/html")], body: body)
        } _: { server in
            for arguments in [["ls"], ["ls", "--json"], ["info", "x"], ["info", "x", "--json"]] {
                let result = try await run(arguments, server: server.origin)
                #expect(result.status == 1)
                #expect(result.output.isEmpty)
                #expect(result.errors.hasPrefix("freshet: http://"))
                #expect(
                    result.errors.contains("is no Freshet server's: it answered 200 with \(told)."),
                    "\(result.errors)"
                )
                #expect(!result.errors.contains("Error"))
            }
        }
    }

    @Test(.enabled(if: isBuilt)) func `A redirect is told with where it leads, and a circle as one`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(307, [("Location", "/v1/stream/x?offset=-1")], end: .close)
        } _: { server in
            let tail = try await run(["tail", "x"], server: server.origin)
            #expect(tail.status == 1)
            #expect(tail.errors.contains("redirects in a circle"), "\(tail.errors)")
            let info = try await run(["info", "x"], server: server.origin)
            #expect(info.status == 1)
            #expect(info.errors.contains("to /v1/stream/x?offset=-1, which is not followed"), "\(info.errors)")
        }
    }

    @Test(.enabled(if: isBuilt)) func `Without a server append and tail say so, where nobody sees progress`()
        async throws
    {
        // Nobody listens on port 1; the commands are given a while, and end by --patience.
        for arguments in [["append", "x", "--patience", "3"], ["tail", "x", "--patience", "3"]] {
            let result = try await run(arguments, server: "http://127.0.0.1:1", input: "word")
            #expect(result.status == 7)
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count == 2, "\(result.errors)")
            #expect(lines.first?.hasPrefix("freshet: waiting: ") == true, "\(result.errors)")
        }
    }

    @Test(.enabled(if: isBuilt), arguments: ["tail", "info", "ls", "append"])
    func `TLS against clear text is told in words`(command: String) async throws {
        try await ScriptedServer.run { _, _ in
            .init(200)
        } _: { server in
            let origin = "https" + server.origin.dropFirst(4)
            var arguments = command == "ls" ? [command] : [command, "x"]
            if command == "tail" || command == "append" { arguments += ["--patience", "0"] }
            let result = try await run(arguments, server: origin)
            #expect(result.status == 7)
            // Some servers answer what is no HTTP, others hang up.
            #expect(result.errors.contains("TLS: "), "\(result.errors)")
            #expect(result.errors.contains("the server speaks clear text there"), "\(result.errors)")
            #expect(!result.errors.contains("SSL"), "\(result.errors)")
        }
    }

    @Test(.enabled(if: isBuilt), arguments: [200, 204])
    func `A server that says yes to everything is no Freshet server`(status: Int) async throws {
        try await ScriptedServer.run { _, _ in
            .init(status, [("Content-Type", "text/html")], body: status == 200 ? "<html>Welcome</html>" : "")
        } _: { server in
            for command in ["append", "cancel"] {
                let result = try await run(
                    [command, "x"],
                    server: server.origin,
                    input: command == "append" ? "word" : ""
                )
                #expect(result.status == 1)
                #expect(result.output.isEmpty)
                #expect(result.errors.contains("no Freshet server"))
            }
        }
    }

    @Test(.enabled(if: isBuilt)) func `Output that cannot be written is told, with its reason and its status`()
        async throws
    {
        guard let full = FileHandle(forWritingAtPath: "/dev/full") else { return }
        try await ScriptedServer.run { _, request in
            switch (request.method, request.uri.contains("/v1/streams")) {
            case (_, true): .init(200, body: request.uri.contains("?") ? #"{"streams":[\#(Self.open)]}"# : Self.open)
            case ("POST", _):
                .init(204, [("Stream-Next-Offset", "1"), ("Stream-Closed", "true"), ("Stream-End-Reason", "done")])
            default: .lines("{\"data\":\"Hello\"}\n")
            }
        } _: { server in
            for arguments in [["tail", "x"], ["ls"], ["ls", "--json"], ["info", "x"], ["cancel", "x"]] {
                let result = try await run(arguments, server: server.origin, output: full)
                #expect(result.status == 74, "\(arguments)")
                #expect(result.errors == "freshet: the output cannot be written: No space left on device\n")
            }
        }
    }

    @Test(.enabled(if: isBuilt)) func `ls and info print no control character of a name`() async throws {
        let name = Self.open.replacing(#""name":"a""#, with: #""name":"a\u001b\u009b31m\u007f\u00e9""#)
        try await ScriptedServer.run { _, request in
            .init(200, body: request.uri.contains("?") ? #"{"streams":[\#(name)]}"# : name)
        } _: { server in
            for arguments in [["ls"], ["info", "x"], ["ls", "--json"], ["info", "x", "--json"]] {
                let result = try await run(arguments, server: server.origin)
                let isJSON = arguments.last == "--json"
                let printed = isJSON ? #"a\u001b\u009b31m\u007fé"# : #"a\u{1B}\u{9B}31m\u{7F}é"#
                #expect(result.output.contains(printed))
                #expect(
                    result.output.unicodeScalars.allSatisfy {
                        $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\t"
                    }
                )
            }
        }
    }

    private static let open = """
        {"name":"a","contentType":"text/plain","bytes":12,"events":3,"tail":"T","end":null,"readers":1,"lease":60,\
        "expiresIn":null,"newer":true}
        """
    private static let ended = """
        {"name":"b/c","contentType":"application/json","bytes":0,"events":0,"tail":"U",\
        "end":{"reason":"failed","detail":"x"},"readers":0,"lease":null,"expiresIn":90}
        """

    @Test(.enabled(if: isBuilt)) func `ls follows the pages, in columns or as the server's JSON`() async throws {
        try await ScriptedServer.run { _, request in
            request.uri.contains("cursor=a%2B")
                ? .init(200, body: #"{"streams":[\#(Self.ended)],"next":null}"#)
                : .init(200, body: #"{"streams":[\#(Self.open)],"next":"a+"}"#)
        } _: { server in
            let columns = try await run(["ls", "x/"], server: server.origin)
            #expect(
                columns.output == "a\ttext/plain\t3\t12\t1\topen\tT\t60\t-\n"
                    + "b/c\tapplication/json\t0\t0\t0\tfailed\tU\t-\t90\n"
            )
            #expect(server.requests[0].uri == "/v1/streams?prefix=x%2F")
            let json = try await run(["ls", "--json"], server: server.origin)
            let lines = json.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[0].contains("\"newer\":true"))
        }
    }

    @Test(.enabled(if: isBuilt)) func `info shows one stream`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(200, body: Self.ended)
        } _: { server in
            let result = try await run(["info", "b/c"], server: server.origin)
            #expect(result.output.contains("ended      failed (x)\n"))
            #expect(server.requests[0].uri == "/v1/streams/b/c")
        }
    }

    @Test(.enabled(if: isBuilt), arguments: [(204, 0), (200, 1), (403, 1), (404, 6), (410, 6)] as [(Int, Int32)])
    func `delete exits by what the server says`(answered: Int, status: Int32) async throws {
        try await ScriptedServer.run { _, _ in
            .init(answered)
        } _: { server in
            let result = try await run(["delete", "b/c"], server: server.origin)
            #expect(result.status == status && result.output == "", "\(result)")
            #expect(server.requests.map { "\($0.method) \($0.uri)" } == ["DELETE /v1/stream/b/c"])
        }
    }

    @Test(.enabled(if: isBuilt))
    func `An address without its scheme reaches no server, whatever the command`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(204)
        } _: { server in
            for command in ["append", "tail", "cancel", "delete", "info", "ls", "doctor"] {
                for address in [server.origin.dropFirst("http://".count) + "/v1/stream/x", "localhost:1/x"] {
                    let result = try await run([command, String(address)], server: server.origin)
                    #expect(result.status == 64 && result.output == "", "\(command) \(address): \(result)")
                    #expect(result.errors.contains("'\(address)'") && result.errors.contains("http://"))
                }
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test(.enabled(if: isBuilt)) func `A mistyped command is told the one that was meant`() async throws {
        let result = try await run(["apend", "x"], server: "http://127.0.0.1:1")
        #expect(result.status == 64 && result.output == "")
        #expect(result.errors.contains("There is no command 'apend'. Did you mean 'freshet append'?"))
    }

    @Test(.enabled(if: isBuilt)) func `Wrong usage is 64, and no connection is 7`() async throws {
        // Nobody listens on port 1, and no other test's server is given it, as it may be a port that was just free.
        let origin = "http://127.0.0.1:1"
        #expect(try await run(["cancel", "../x"], server: origin).status == 64)
        #expect(try await run(["append", "x", "--content-type", "junk"], server: origin).status == 64)
        #expect(try await run(["cancel", "http://127.0.0.1:65536/v1/stream/x"], server: origin).status == 64)
        #expect(try await run(["tail", "x"], server: "http://127.0.0.1:65536").status == 64)
        #expect(try await run(["doctor", "http://127.0.0.1:65536/"], server: origin).status == 64)
        let list = try await run(["ls", origin], server: origin)
        #expect(list.status == 64)
        #expect(list.errors.contains("FRESHET_URL names the server"))
        #expect(try await run(["cancel", "x"], server: origin).status == 7)
        #expect(try await run(["tail", "x", "--patience", "0"], server: origin).status == 7)
        #expect(try await run(["append", "x", "--patience", "0"], server: origin).status == 7)
    }

    @Test func `A table is aligned under its header`() throws {
        let streams = try [Self.open, Self.ended].map {
            try JSONDecoder().decode(StreamDescription.self, from: Data($0.utf8))
        }
        #expect(
            Table.aligned(streams) == """
                NAME  TYPE              EVENTS  BYTES  READERS  STATE   TAIL  LEASE  EXPIRES
                a     text/plain             3     12        1  open    T        60        -
                b/c   application/json       0      0        0  failed  U         -       90

                """
        )
    }
}
