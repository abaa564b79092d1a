import ArgumentParser
import Foundation
import NIOHTTP1
import PrintableText

/// JSON that a server sent, as values and as lines.
@available(freshet 0.1, *)
enum JSONOutput {
    /// - Throws: The status to exit with, after telling what is there instead of a Freshet server.
    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from response: ServerResponse,
        _ url: String
    ) throws(ExitCode) -> Value {
        let body = Data(response.body)
        if let value = try? JSONDecoder().decode(type, from: body) { return value }
        let isJSON = (try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed)) != nil
        let kind = response.headers.first(name: "Content-Type").map { ", of type \($0)" } ?? ""
        let found =
            response.body.isEmpty
            ? "an empty response" : isJSON ? "JSON that describes no stream" : "something other than JSON\(kind)"
        Terminal.note(
            "\(url) is no Freshet server's: it answered \(response.status) with \(found). Is the address right?"
        )
        throw ExitStatus.refused.code
    }

    /// The elements of an array in an object, each on one line, with all that the server said in them.
    static func objects(in body: [UInt8], under name: String) throws -> [[UInt8]] {
        let page = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        return try (page?[name] as? [Any] ?? []).map(line)
    }

    /// An object on one line.
    static func line(_ body: [UInt8]) throws -> [UInt8] {
        try line(JSONSerialization.jsonObject(with: Data(body)))
    }

    private static func line(_ object: Any) throws -> [UInt8] {
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        let json = try JSONSerialization.data(withJSONObject: object, options: options)
        return PrintableText.escaped(json: Array(json))
    }
}
