import Foundation

/// A file of test vectors beside these tests.
struct VectorFile<Vector: Decodable & Sendable>: Decodable, Sendable {
    let vectors: [Vector]

    static func load(_ name: String) throws -> [Vector] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors/\(name).json")
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url)).vectors
    }
}
