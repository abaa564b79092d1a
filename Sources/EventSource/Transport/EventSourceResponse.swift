/// A response from an ``EventSourceTransport``: the head, and the body that is still to come.
@available(freshet 0.1, *)
public struct EventSourceResponse<Body: Sendable>: Sendable {
    /// The status, 200 for example.
    public var status: Int
    /// Header fields as they arrived. Of those with the same name, whatever their case, the first counts.
    ///
    /// `Content-Encoding` names what the chunks of ``body`` are still coded with. A transport that decodes them leaves it
    /// out.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: Body

    /// A response.
    public init(status: Int, headers: [(name: String, value: String)], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of the first field with a name, which is given in lower case.
    package func header(_ lowercased: String) -> String? {
        headers.first { $0.name.lowercased() == lowercased }?.value
    }
}
