import Foundation
import PartialJSON

/// A value as Foundation's parser reads it. Decoded, since what `JSONSerialization` returns on Linux cannot tell `true`
/// from `1` reliably.
enum FoundationValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string([UInt8])
    case array([Self])
    case object([String: Self])

    /// Reads a text; throws where Foundation refuses it.
    init(parsing text: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(text))
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let string = try? container.decode(String.self) {
            self = .string(Array(string.utf8))
        } else if let array = try? container.decode([Self].self) {
            self = .array(array)
        } else {
            self = .object(try container.decode([String: Self].self))
        }
    }

    init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let bool): .bool(bool)
            case .number(let number): .number(number.double ?? .infinity)
            case .string(let string): .string(Array(string.text.utf8))
            case .array(let array): .array(array.map(Self.init))
            case .object(let object):
                .object(Dictionary(object.map { ($0.key, Self($0.value)) }, uniquingKeysWith: { $1 }))
            }
    }
}
