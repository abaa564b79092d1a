/// A response other than success: what was wrong, and what to do about it (RFC 9457, problem details).
@available(freshet 0.1, *)
package struct Problem: Error, Sendable, Equatable {
    /// The HTTP status.
    package var status: Int
    /// A short name for programs, in lower case with hyphens; it becomes the `type` `urn:freshet:<code>`.
    package var code: String
    /// The kind of problem, the same for every occurrence.
    package var title: String
    /// This occurrence: what was wrong, where, and what to do.
    package var detail: String
    /// Header fields that belong to the response, such as `Retry-After` or `Stream-Closed`.
    package var headers: [HeaderField]
    /// What programs read beside the type, such as which quota it was: names and values.
    package var members: [Member] = []

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: Value

        package enum Value: Sendable, Equatable {
            case text(String)
            case number(Int)
        }

        package init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    package init(_ status: Int, _ code: String, title: String, detail: String, headers: [HeaderField] = []) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = headers
    }
}

/// One header field of a response.
@available(freshet 0.1, *)
package struct HeaderField: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
