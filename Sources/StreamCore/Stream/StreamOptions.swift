/// What a stream is created with, and what a second `PUT` is compared to.
@available(freshet 0.1, *)
package struct StreamOptions: Hashable, Sendable {
    package var contentType: ContentType
    package var expiry: Expiry?
    /// Seconds a producer may be silent before the stream ends as abandoned.
    package var leaseSeconds: Int?
    package var retention: Retention
    /// What responses in the plain form have beside what all have: names in lower case, in their order, each once.
    package var responseFields: [ResponseField]
    /// For whom what it keeps counts, where that is counted: whoever created it. No option that anybody asks for, and
    /// a second `PUT` is not compared with it.
    package var owner: String?

    /// A header field of a response.
    package struct ResponseField: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// When a stream goes away by itself.
    package enum Expiry: Hashable, Sendable {
        /// Seconds without a read or a write.
        case idle(seconds: Int)
        /// A moment, in milliseconds since 1970.
        case at(wallMilliseconds: UInt64)
    }

    package init(
        contentType: ContentType = .eventStream,
        expiry: Expiry? = nil,
        leaseSeconds: Int? = nil,
        retention: Retention = .everything,
        responseFields: [ResponseField] = [],
        owner: String? = nil
    ) {
        self.contentType = contentType
        self.expiry = expiry
        self.leaseSeconds = leaseSeconds
        self.retention = retention
        self.responseFields = responseFields
        self.owner = owner
    }
}
