/// The settings of webhooks: a part of `ServerSettings`.
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
        "File of the secret that it is signed with: a line `whsec_…`, or of 24 bytes or more that are taken as they are. While "
            + "you change it, both are in the file, the new one first. SIGHUP reads it again."
    )

    package let hookPrefix = Setting<[String]>(
        "hook-prefix",
        .prefixes,
        default: [],
        "Streams that it is told of, by the beginnings of their names; without any, of all."
    )

    package let hooks = Setting<[HookSetting]>(
        "hooks",
        .hooks,
        default: [],
        "Hooks beside the one of the settings above. In a file a list of mappings."
    )

    package let hookContentBytes = Setting<Int>(
        "hook-content-bytes",
        .bytes(0...64 << 20),
        default: 256 * 1024,
        "Largest content of a stream that a call has with it, counted with 64 bytes for each event; 0 for none."
    )

    package let hookBacklogBytes = Setting<Int>(
        "hook-backlog-bytes",
        .bytes(0...1 << 40),
        default: 256 * 1024 * 1024,
        "What calls that have not succeeded yet may take in the store; beyond that they are kept without the content."
    )
}

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

extension SettingKind where Value == [HookSetting] {
    static var hooks: SettingKind {
        SettingKind(listOf: HookSetting.form, "hooks", block: HookSetting.init(block:)) { text throws(Refusal) in
            try HookSetting(parsing: text)
        } show: {
            $0.description
        }
    }
}
