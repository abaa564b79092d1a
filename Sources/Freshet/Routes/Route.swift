/// A route of a program's own, beside the streams.
///
/// ```swift
/// let hello = Route.get("/hello/{name}") { request in
///     .text("Hello, \(request.parameters["name"] ?? "you")")
/// }
/// ```
///
/// Routes need no key: whatever is asked of them is theirs to authorise. What holds for every request holds for them
/// too: the rules of hosts and origins, the limits of heads, connections and time.
@available(freshet 0.1, *)
public struct Route: Sendable {
    /// The method, in capitals. A `GET` route answers `HEAD` too.
    public var method: String
    /// The path: segments between slashes, of which each is a text, or `{name}` for any one segment, or, as the last,
    /// `{name...}` for all that follow. `/v1`, `/health` and `/metrics` are
    /// Freshet's own.
    public var path: String
    /// The largest body, in bytes; a larger one is 413.
    public var bodyLimit: Int
    /// What answers. An error that it throws before its response is out is 500, and is logged.
    public var handler: @Sendable (ServerRequest) async throws -> ServerResponse

    /// A route for any method.
    public init(
        _ method: String,
        _ path: String,
        bodyLimit: Int = 8 << 20,
        _ handler: @escaping @Sendable (ServerRequest) async throws -> ServerResponse
    ) {
        self.method = method
        self.path = path
        self.bodyLimit = bodyLimit
        self.handler = handler
    }

    /// A route for `GET` and `HEAD`.
    public static func get(
        _ path: String,
        _ handler: @escaping @Sendable (ServerRequest) async throws -> ServerResponse
    ) -> Route {
        Route("GET", path, bodyLimit: 0, handler)
    }

    /// A route for `POST`.
    public static func post(
        _ path: String,
        bodyLimit: Int = 8 << 20,
        _ handler: @escaping @Sendable (ServerRequest) async throws -> ServerResponse
    ) -> Route {
        Route("POST", path, bodyLimit: bodyLimit, handler)
    }
}
