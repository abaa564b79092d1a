/// One request of the measuring client.
@available(freshet 0.1, *)
package struct ClientRequest: Sendable {
    /// A part of a body, and when it is sent: milliseconds after the head.
    package struct BodyPart: Sendable {
        package var after: Int
        package var bytes: [UInt8]

        package init(after: Int, bytes: [UInt8]) {
            self.after = after
            self.bytes = bytes
        }
    }

    package var server: ServerAddress
    package var method = "GET"
    /// Path and query, without the server's own base path.
    package var target: String
    package var fields: [ResponseHead.Field]
    /// Sent in its parts, chunked unless the fields have a Content-Length.
    package var body: [BodyPart]?
    /// Milliseconds after which a response that has not ended is given up.
    package var limit: Int
    /// Milliseconds after the request at which the client closes the connection, as a reader does who leaves.
    package var leavesAfter: Int?

    var isChunked: Bool { body != nil && !fields.contains { $0.name == "content-length" } }

    package init(
        server: ServerAddress,
        target: String,
        fields: [ResponseHead.Field] = [],
        limit: Int,
        leavesAfter: Int? = nil
    ) {
        self.server = server
        self.target = target
        self.fields = fields
        self.limit = limit
        self.leavesAfter = leavesAfter
    }
}
