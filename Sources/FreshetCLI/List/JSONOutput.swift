import ArgumentParser
import Foundation

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
        return escaped(try JSONSerialization.data(withJSONObject: object, options: options))
    }

    /// DEL and the C1 controls (U+0080 to U+009F) as escapes too, which JSON allows and does not ask for: on a terminal
    /// they are commands. They stand in strings only, and their two bytes in UTF-8 begin nothing else.
    private static func escaped(_ json: Data) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(json.count)
        for byte in json {
            switch byte {
            case 0x7F:
                result += "\\u007f".utf8
            case 0x80...0x9F where result.last == 0xC2:
                result.removeLast()
                result += "\\u00\(String(byte, radix: 16))".utf8
            default:
                result.append(byte)
            }
        }
        return result
    }
}
