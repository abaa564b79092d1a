import Foundation

/// Certificates made by openssl in a directory: `ca.crt`, a `server.crt` for 127.0.0.1 and localhost with its
/// `server.key`, and `other.crt`, of an authority that nobody trusts.
enum Certificates {
    static func make(in directory: TemporaryDirectory) async throws {
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        func file(_ name: String) -> String { directory.file(name) }
        for authority in ["ca", "other"] {
            try await run(
                ["req", "-x509"] + curve + [
                    "-subj", "/CN=\(authority)", "-keyout", file("\(authority).key"), "-out", file("\(authority).crt"),
                ]
            )
        }
        try await run(
            ["req"] + curve + [
                "-subj", "/CN=redis", "-addext", names, "-keyout", file("server.key"), "-out", file("server.csr"),
            ]
        )
        try names.write(toFile: file("names"), atomically: true, encoding: .utf8)
        try await run([
            "x509", "-req", "-in", file("server.csr"), "-CA", file("ca.crt"), "-CAkey", file("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", file("names"), "-out", file("server.crt"),
        ])
    }

    private static func run(_ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let said = Pipe()
        process.standardOutput = said
        process.standardError = said
        let over = Recorder<Int32>()
        process.terminationHandler = { over.note($0.terminationStatus) }
        try process.run()
        let text = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        guard await over.wait(for: 1) == [0] else {
            throw RedisProcess.Failure(description: "openssl fails, or is not there: \(text)")
        }
    }
}
