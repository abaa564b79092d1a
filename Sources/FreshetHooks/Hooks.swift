import AsyncHTTPClient
package import FreshetServer
package import Logging
package import StreamCore

/// The webhooks of a server: whom it tells that a stream ended or expired.
@available(freshet 0.1, *)
package struct Hooks: Sendable {
    let deliveries: HookDeliveries
    let outbox: any Outbox
    private let settings: [HookSetting]
    let client: HTTPClient

    /// What a store must note for the hooks of a configuration.
    package static func rules(_ configuration: ServerConfiguration) -> OutboxRules {
        OutboxRules(
            receivers: configuration.toldHooks.map { hook in
                OutboxRules.Receiver(name: hook.name, prefixes: hook.prefixes.map(\.text))
            },
            contentBytes: configuration.hookContentBytes,
            backlogBytes: configuration.hookBacklogBytes
        )
    }

    /// The secrets of hooks, by their names, as files hold them at a moment.
    package struct Secrets: Sendable {
        let byName: [String: HookSecrets]
        /// What to say of files that others can read.
        package let warnings: [String]

        /// - Throws: `HookTrouble` for the first file that cannot be used.
        package init(_ configuration: ServerConfiguration) throws(HookTrouble) {
            var found: [String: HookSecrets] = [:]
            var warnings: [String] = []
            for hook in configuration.toldHooks {
                found[hook.name] = try HookSecrets(file: hook.secretFile)
                if let warning = SecretFile.warning(hook.secretFile, what: "The hook's secret file", groupReads: true) {
                    warnings.append(warning)
                }
            }
            byName = found
            self.warnings = warnings
        }
    }

    /// - Returns: nil where there is no hook, and nothing that one of before was to be told.
    package init?(
        _ configuration: ServerConfiguration,
        _ secrets: Secrets,
        outbox: any Outbox,
        logger: Logger
    ) {
        let settings = configuration.toldHooks
        guard !settings.isEmpty || outbox.outboxUsage.entries > 0 else { return nil }
        let client = HookClient.client()
        let calling = HookClient(client: client)
        self.settings = settings
        self.outbox = outbox
        self.client = client
        deliveries = HookDeliveries(
            settings.compactMap { setting in secrets.byName[setting.name].map { (setting, $0) } },
            outbox: outbox,
            logger: logger,
            call: { await calling.answer(to: $0) }
        )
    }

    /// Signs by other secrets, and calls hooks again that had answered 410.
    package func reload(_ secrets: Secrets) async { await deliveries.reload(secrets.byName) }
}
