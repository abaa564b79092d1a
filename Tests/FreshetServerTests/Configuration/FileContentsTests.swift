import Foundation
import Testing

@testable import FreshetServer

@Suite("What files hold at a look", .timeLimit(.minutes(1)))
final class FileContentsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    @Test("is told from what they held before by each of them, whatever their times are")
    func changes() throws {
        let paths = ["a", "b"].map(path)
        try write("one", "a")
        try write("two", "b")
        let before = FileContents(of: paths)
        let times = try FileManager.default.attributesOfItem(atPath: paths[0])[.modificationDate]
        try write("1ne", "a")
        try FileManager.default.setAttributes([.modificationDate: try #require(times)], ofItemAtPath: paths[0])
        #expect(FileContents(of: paths) != before)
        try write("one", "a")
        #expect(FileContents(of: paths) == before)
        try FileManager.default.removeItem(atPath: paths[1])
        #expect(FileContents(of: paths) != before)
        try write("two", "b")
        #expect(FileContents(of: paths) == before)
    }

    @Test("is what is behind a link, as mounted secrets have it")
    func links() throws {
        let link = path("link")
        try write("one", "a")
        try write("two", "b")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path("a"))
        let before = FileContents(of: [link])
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path("b"))
        #expect(FileContents(of: [link]) != before)
    }

    @Test("is the same, look after look, of what is not there and of what is no file; a pipe is not read")
    func noFiles() throws {
        let pipe = path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let paths = [path("missing"), folder.path, pipe]
        #expect(FileContents(of: paths) == FileContents(of: paths))
        #expect(FileContents(of: paths) != FileContents(of: []))
    }

    @Test("is of every file that a setting names to be read, and of those of lists")
    func everyFile() throws {
        // Redis is asked for its password and its certificate at the start.
        let table = SettingsTable.server.settings
            .filter { $0.placeholder == "path" && $0.name != "access-log" && !$0.name.hasPrefix("redis-") }
        #expect(table.count >= 9)
        var configuration = ServerConfiguration()
        for setting in table { try setting.apply(.text("/files/\(setting.name)"), to: &configuration) }
        configuration.hook = "https://app.example/told"
        configuration.hooks = [try HookSetting(parsing: "url=http://10.0.0.7/told secret-file=/files/other-hook")]
        configuration.jwt = [try IssuerSetting(parsing: "issuer=a audience=b keys=/files/other-issuer")]
        let expected = table.map { "/files/\($0.name)" } + ["/files/other-hook", "/files/other-issuer"]
        #expect(configuration.filesReadAgain.sorted() == expected.sorted())
        configuration.jwtJWKS = "https://login.example/keys"
        #expect(!configuration.filesReadAgain.contains { $0.contains("login.example") })
        #expect(ServerConfiguration().filesReadAgain.isEmpty)
    }
}
