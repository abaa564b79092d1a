import ArgumentParser
import EventSource
import RedisStreamStore

/// Where streams are copied from or to, as it is written on the command line.
@available(freshet 0.1, *)
enum CopyPlace: Equatable {
    case directory(String)
    /// A server over HTTP, without a slash at the end.
    case server(String)
    case redis(RedisURL)

    /// - Throws: A usage error that says what a place looks like.
    init(_ argument: String) throws {
        guard URLTrouble.isURL(argument) else {
            guard !argument.isEmpty else { throw ValidationError("A directory or a URL is wanted, not an empty text.") }
            if let trouble = AddressTrouble.describe(argument) { throw ValidationError(trouble) }
            self = .directory(argument)
            return
        }
        if argument.lowercased().hasPrefix("redis") || argument.lowercased().hasPrefix("valkey") {
            do throws(RedisURLError) {
                self = .redis(try RedisURL(argument))
            } catch {
                throw ValidationError("That is not the URL of a Redis: \(error.description).")
            }
            return
        }
        guard Target(argument) != nil else {
            throw ValidationError(URLTrouble.describe(argument, example: StreamURL.defaultServer) + ".")
        }
        self = .server(argument.hasSuffix("/") ? String(argument.dropLast()) : argument)
    }

    /// As it is shown: without a password.
    var description: String {
        switch self {
        case .directory(let path): path
        case .server(let url): url
        case .redis(let url): url.description
        }
    }
}
