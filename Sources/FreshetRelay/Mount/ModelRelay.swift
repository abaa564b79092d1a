import CompletionRelay
import Foundation
public import Freshet
import FreshetServer

/// The relay in a program's server: a call to a language model becomes a stream, which its caller follows.
///
/// ```swift
/// let relay = try ModelRelay(upstreams: ["openai key=env:OPENAI_API_KEY"])
/// let server = try EmbeddedServer(storage: .directory("streams"), mounts: [relay.mount])
/// ```
///
/// An OpenAI or Anthropic client then only changes its base URL to that of the server. What `freshet relay` does is done
/// here too, by the same code: the page `relay.md` tells it. The answers are streams of the server, below `relay/`.
@available(freshet 0.1, *)
public struct ModelRelay: Sendable {
    private var settings = ServerConfiguration()
    private let environment: [String: String]
    private let builtin: (@Sendable (String) -> [String])?

    /// A relay before some providers. Nothing else is ever called.
    ///
    /// - Parameters:
    ///   - upstreams: each in a few words, as the setting `upstreams` has it, such as `openai`,
    ///     `claude anthropic key=env:ANTHROPIC_API_KEY` or `local http://localhost:11434/v1 key=none`. A program that
    ///     authorises requests itself passes on no caller's key: there each has `key=env:VARIABLE` or `key=none`.
    ///   - environment: where the keys of `key=env:VARIABLE` are; the process's unless it is given.
    ///   - builtin: answers the model `builtin`, which the upstream `builtin` has, in this program: called with a
    ///     question, it returns the answer's words, which joined are its text.
    /// - Throws: `SetupError` with everything that is wrong with the upstreams.
    public init(
        upstreams: [String],
        environment: [String: String]? = nil,
        builtin: (@Sendable (_ question: String) -> [String])? = nil
    ) throws(SetupError) {
        self.environment = environment ?? ProcessInfo.processInfo.environment
        self.builtin = builtin
        var problems: [String] = []
        for upstream in upstreams {
            do throws(Refusal) {
                settings.upstreams.append(try UpstreamSetting(parsing: upstream))
            } catch {
                problems.append("upstreams: \(error.reason)")
            }
        }
        guard problems.isEmpty else { throw SetupError(problems) }
    }

    /// Sets one of the settings of the relay that `configuration.md` names, to a value as the configuration file would
    /// have it: `set("relay-answers", to: "50")`.
    ///
    /// - Throws: `SetupError` for a name that is none of the relay's settings, and for a value that is not allowed.
    public mutating func set(_ name: String, to value: String) throws(SetupError) {
        try settings.set(name, to: value, in: [.relay])
    }

    /// What an `EmbeddedServer` takes.
    ///
    /// With keys or signed tokens, callers need one with the right `create` on `relay/`; with a closure that authorises, a
    /// grant of it.
    public var mount: Mount {
        let (environment, builtin) = (environment, builtin)
        let relaying = RelayConfiguration(settings)
        return Mount(settings: settings) { authorises in
            Self.problems(relaying, environment, hasBuiltin: builtin != nil, authorises: authorises)
        } routes: { server in
            let configuration = RelayConfiguration(server.configuration)
            let client = HTTPUpstream.client()
            let relay = Relay(
                streams: server.streams,
                configuration: configuration,
                ownKeys: (try? configuration.ownKeys(environment)) ?? [:],
                client: client,
                logger: server.logger,
                tracer: server.tracer,
                builtin: builtin ?? { _ in [] }
            )
            return RelayRoutes(
                relay: relay,
                access: server.access,
                callers: Self.callers(of: server),
                client: client
            )
        }
    }

    private static func callers(of server: Mount.Server) -> RelayRoutes.Callers {
        if server.authorises { return .authorised(hasKeys: server.hasKeys) }
        return server.hasKeys ? .keys : .anyone
    }

    private static func problems(
        _ relaying: RelayConfiguration,
        _ environment: [String: String],
        hasBuiltin: Bool,
        authorises: Bool
    ) -> [String] {
        var found: [String] = []
        if relaying.upstreams.isEmpty {
            found.append("upstreams: there is none, and a relay calls nothing else. Name one, such as openai")
        }
        if !hasBuiltin, relaying.upstreams.contains(where: { $0.kind == .builtin }) {
            found.append("upstreams: builtin has no answers here. Give the relay a closure that makes them (builtin:)")
        }
        if authorises {
            found += relaying.upstreams.filter { $0.key == .caller }.map { upstream in
                "upstreams: \(upstream.name) is called with the caller's own key, and here a closure says who a caller "
                    + "is: what it is told by would be passed on. Write key=env:VARIABLE, or key=none"
            }
        }
        do {
            _ = try relaying.ownKeys(environment)
        } catch {
            found.append("\(error)")
        }
        return found
    }
}
