import ArgumentParser
import Foundation
import PrintableText

/// JSON that a server sent, as values and as lines.
enum JSONOutput {
    static func decode<Value: Decodable>(_ type: Value.Type, from body: [UInt8], _ url: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            Terminal.note("\(url) did not answer as a Freshet server does: \(error)")
            throw ExitStatus.refused.code
        }
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
