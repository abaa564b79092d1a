/// Why an ``EventSourceTransport`` has no response, or no more of it.
@available(freshet 0.1, *)
public struct EventSourceTransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong, in a few words for a person: "connection refused".
    public var message: String
    /// Whether it is certain that no server has had anything of the request: there was no connection to send it on.
    public var isUnsent: Bool

    /// The message.
    public var description: String { message }

    /// An error.
    public init(_ message: String, isUnsent: Bool = false) {
        self.message = message
        self.isUnsent = isUnsent
    }
}
