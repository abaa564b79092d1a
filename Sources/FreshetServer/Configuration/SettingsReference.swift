/// `docs/configuration.md`, written from the settings themselves so that it cannot fall behind them.
package enum SettingsReference {
    package static func markdown(_ table: SettingsTable = .server) -> String {
        introduction + table.groups.map(section).joined(separator: "\n")
    }

    private static let introduction = """
        # Configuration

        <!-- Written by `freshet serve --print-settings`. Change the settings in Sources/FreshetServer/Configuration instead. -->

        Every setting of `freshet serve` has one name and three places, of which the first that has it wins:

        1. a flag: `--heartbeat-seconds 5`
        2. an environment variable: `FRESHET_HEARTBEAT_SECONDS=5`; an empty one counts as not set
        3. a YAML file given with `--config FILE` or `FRESHET_CONFIG`: `heartbeat-seconds: 5`

        A name that does not exist, and a value that is not allowed, stop the start with a message that says where it stands,
        also where another place overrides it. Sizes may be written as `8MiB`, seconds with a fraction as `0.5`. Lists are
        YAML lists, or one text with commas. Flags of settings that are true or false take no value: `--open`, `--no-open`.

        ## The keys file

        `keys` names a file with one grant a line, fields separated by spaces or tabs, `#` before a comment:

        ```
        # name    key                                      rights             streams
        backend   sha256:HEX-DIGEST-OF-THE-KEY             all                *
        writer    a-key-of-at-least-sixteen-characters     create,append,end  chat/ jobs/
        ```

        - *name*: letters, digits, `-` and `_`. It is what logs and responses call the key. A name that comes again with the same
          key adds a grant.
        - *key*: the bearer key itself, or `sha256:` and its digest: `printf %s "$KEY" | sha256sum`. Make a key with
          `openssl rand -hex 32`.
        - *rights*: some of `create`, `append`, `end`, `cancel`, `read`, `delete`, separated by commas without spaces, or `all`.
        - *streams*: beginnings of stream names as they follow `/v1/stream/`; `*` is every stream. `chat/` covers `chat/42` and
          not `chatter`; `chat` covers both. `chat/*` is another way to write `chat/`.

        Whoever can read this file can make session cookies, also where it holds digests only: let no user but the server's
        read it (`chmod 600`); a server that finds it open to others warns at its start. It is read at the start; a key that is
        taken out loses its rights, and its cookies, with the next one.


        """

    private static func section(_ group: SettingsTable.Group) -> String {
        let rows = group.settings.map { setting in
            let value = setting.defaultText.isEmpty ? "none" : "`\(setting.defaultText)`"
            return "| `\(setting.name)` | \(value) | \(setting.description) | \(setting.allowed) |"
        }
        return """
            ## \(group.title)

            | setting | default | what it does | value |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))

            """
    }
}
