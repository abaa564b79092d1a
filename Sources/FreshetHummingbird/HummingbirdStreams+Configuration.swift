public import Freshet
import FreshetServer

@available(freshet 0.1, *)
extension HummingbirdStreams {
    /// How streams are served inside an application. The defaults are those of `freshet serve`.
    ///
    /// What belongs to connections, such as their number, the size of heads and the time between requests, is the
    /// application's.
    public struct Configuration: RequestSettings, Sendable, Hashable {
        /// Everything that is set, with or without a property.
        public var values = SettingValues()
        /// Whether the application's server is Hummingbird's `.plaintextHTTP2()`, which speaks nothing else. False unless set.
        ///
        /// Hummingbird does not tell which version of HTTP a request in clear text has. After a read that followed, or a
        /// long-poll, it closes a connection of HTTP/1.1, and the response says so with `Connection: close`; HTTP/2
        /// forbids that field, and a response with it is not sent. With TLS the versions are told apart.
        public var isPlaintextHTTP2 = false

        /// The defaults.
        public init() {}

        /// Sets one of the settings that `configuration.md` names, also one without a property here, to a value as the
        /// configuration file would have it: `set("long-poll-seconds", to: "5")`.
        ///
        /// - Throws: `SetupError` for a name that is none of the settings of requests, and for a value that is not
        /// allowed.
        public mutating func set(_ name: String, to value: String) throws(SetupError) {
            try values.core.set(name, to: value, in: [.requests])
        }

        func settings(
            _ streams: EventStreams.Configuration,
            hasTokens: Bool
        ) throws(SetupError) -> ServerConfiguration {
            try ServerConfiguration(values.core, streams, hasTokens: hasTokens, authorises: true)
        }
    }
}
