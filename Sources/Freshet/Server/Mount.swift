package import FreshetServer
package import Logging
package import StreamCore
package import Tracing

/// What a library serves with a program's server, beside its streams and the program's own routes: the relay of
/// `FreshetRelay` is one.
///
/// A library gives it to you; ``EmbeddedServer`` takes it.
@available(freshet 0.1, *)
public struct Mount: Sendable {
    /// The server that it becomes part of.
    package struct Server: Sendable {
        package let streams: Streams
        package let configuration: ServerConfiguration
        /// The rules about who may, as the server has them.
        package let access: CurrentAccess
        /// Keys or signed tokens say who asks.
        package let hasKeys: Bool
        /// A closure of the program says who asks.
        package let authorises: Bool
        package let logger: Logger
        /// Makes the spans of what it does for others; nil where nobody traces.
        package let tracer: (any Tracer)?
    }

    /// What is set for it, which is checked together with what is set for the server.
    package let settings: ServerConfiguration
    /// What else is wrong with it, in such a server.
    package let problems: @Sendable (_ authorises: Bool) -> [String]
    /// Made when the server runs.
    package let routes: @Sendable (Server) -> any RouteGroup

    package init(
        settings: ServerConfiguration,
        problems: @escaping @Sendable (_ authorises: Bool) -> [String],
        routes: @escaping @Sendable (Server) -> any RouteGroup
    ) {
        self.settings = settings
        self.problems = problems
        self.routes = routes
    }
}
