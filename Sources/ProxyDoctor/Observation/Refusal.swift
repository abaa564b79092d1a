import Foundation

/// A response that is an error, in place of the stream that was asked for.
@available(freshet 0.1, *)
package struct Refusal: Sendable, Equatable {
    package var status: Int
    /// The code of Freshet's problem, such as `too-many-connections`: then it is the server that refuses, and nothing
    /// between. Nil where the body is none of Freshet's.
    package var code: String?

    package init(status: Int, code: String? = nil) {
        self.status = status
        self.code = code
    }

    /// - Parameter body: Its bytes, uncoded.
    package init(status: Int, body: [UInt8]) {
        let type = (try? JSONDecoder().decode(Problem.self, from: Data(body)))?.type ?? ""
        let prefix = "urn:freshet:"
        self.init(status: status, code: type.hasPrefix(prefix) ? String(type.dropFirst(prefix.count)) : nil)
    }

    private struct Problem: Decodable {
        var type: String
    }

    /// Whether it says that there is too much, and not that something is wrong.
    package var isOfLimit: Bool { status == 429 || status == 503 }

    /// For a sentence: `429`, or `429 too-many-connections`.
    package var title: String { code.map { "\(status) \($0)" } ?? "\(status)" }
}
