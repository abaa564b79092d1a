#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

@available(freshet 0.1, *)
extension DurableStream.Producer {
    /// Appends a value as JSON, in a stream of `application/json` or `application/x-ndjson`. It waits and throws as
    /// ``append(_:type:)`` does, and throws what encoding throws.
    @discardableResult
    public func append(json value: some Encodable) async throws -> Standing {
        guard kind == .json || kind == .ndjson else {
            throw DurableStreamError(.invalidInput, "\(url): this is no stream of JSON")
        }
        return try await append(bytes: Array(try JSONEncoder().encode(value)))
    }
}
