import ArgumentParser
import EventSource
import Foundation
import StreamCore
import TextCodecs

/// Where a stream is, from a URL or from a name on the server that `FRESHET_URL` names.
@available(freshet 0.1, *)
struct StreamURL: Equatable {
    static let defaultServer = "http://127.0.0.1:4437"
    private static let path = "/v1/stream/"
    private static let example = defaultServer + path + "name"

    /// The stream itself.
    let url: String

    /// - Throws: A usage error that says what a stream's URL or name looks like.
    init(_ argument: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        if URLTrouble.isURL(argument) {
            guard Target(argument) != nil else {
                throw ValidationError(URLTrouble.describe(argument, example: Self.example) + ".")
            }
            url = argument
            return
        }
        if let trouble = AddressTrouble.describe(argument) { throw ValidationError(trouble) }
        do {
            _ = try StreamName(argument)
        } catch {
            throw ValidationError(
                "'\(argument)' cannot name a stream: a name has 1 to \(StreamName.maximumBytes) bytes, no control "
                    + "characters, and no segment between slashes that is empty, '.' or '..'."
            )
        }
        url =
            try Self.server(environment: environment) + Self.path
            + PercentEncoding.encode(argument, keeping: .unreservedAndSlash)
    }

    /// Whether a text that should be a name is an address, with or without its scheme.
    static func isAddress(_ text: String) -> Bool { URLTrouble.isURL(text) || AddressTrouble.describe(text) != nil }

    /// The description of the stream, one JSON object; nil if the URL is not of the form that Freshet serves.
    var description: String? {
        guard let range = url.range(of: Self.path) else { return nil }
        return url[..<range.lowerBound] + "/v1/streams/" + url[range.upperBound...].prefix { $0 != "?" && $0 != "#" }
    }

    /// The server's origin, without a slash at the end.
    static func server(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
        let value = environment["FRESHET_URL"].flatMap { $0.isEmpty ? nil : $0 } ?? defaultServer
        guard Target(value) != nil else {
            throw ValidationError("FRESHET_URL: \(URLTrouble.describe(value, example: defaultServer)).")
        }
        let server = value.hasSuffix("/") ? String(value.dropLast()) : value
        // A name behind it would be that of another stream.
        guard !["/v1/stream", "/v1/streams"].contains(where: server.hasSuffix) else {
            throw ValidationError(
                "FRESHET_URL: '\(value)' is where streams are; give the server's own URL, such as \(defaultServer)."
            )
        }
        return server
    }
}
