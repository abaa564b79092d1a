/// The settings of webhooks: a part of `ServerSettings`.
@available(freshet 0.1, *)
package struct HookSettings: Sendable {
    let telling = Heading("Webhooks", in: .program)

    package let hook = Setting<String?>(
        "hook",
        .hookURL,
        default: nil,
        "URL that gets a signed POST when a stream ends or expires; docs/webhooks.md has an example. It may be private: "
            + "redirects are not followed."
    )

    package let hookSecretFile = Setting<String?>(
        "hook-secret-file",
        .path,
        default: nil,
        "File of the secret that signs the calls: one line, `whsec_…` or at least 24 bytes that are taken as they are. While you "
            + "change it, put both in the file, the new one first. SIGHUP reads it again."
    )

    package let hookPrefix = Setting<[String]>(
        "hook-prefix",
        .prefixes,
        default: [],
        "The streams that the hook is called for, by the beginnings of their names; without any, all streams."
    )

    package let hooks = Setting<[HookSetting]>(
        "hooks",
        .hooks,
        default: [],
        "More hooks, beside that of the settings above. In a file, a list of mappings."
    )

    package let hookContentBytes = Setting<Int>(
        "hook-content-bytes",
        .bytes(0...64 << 20),
        default: 256 * 1024,
        "Largest content of a stream that a call carries, counted with 64 bytes for each event; 0 for none."
    )

    package let hookBacklogBytes = Setting<Int>(
        "hook-backlog-bytes",
        .bytes(0...1 << 40),
        default: 256 * 1024 * 1024,
        "Maximum size of all calls that have not succeeded yet, in the store; beyond it, further ones are kept without content."
    )
}

@available(freshet 0.1, *)
extension SettingKind where Value == String? {
    static var hookURL: SettingKind {
        SettingKind(
            "url",
            allowed: "http://host[:port][/path] or https://…, without a user and #",
            text: { text in (try? HookSetting.checked(url: text)).map { .some($0) } },
            show: { $0 ?? "" }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [HookSetting] {
    static var hooks: SettingKind {
        SettingKind(listOf: HookSetting.form, "hooks", block: HookSetting.init(block:)) { text throws(Refusal) in
            try HookSetting(parsing: text)
        } show: {
            $0.description
        }
    }
}
