/// `docs/configuration.md`, written from the settings themselves so that it cannot fall behind them.
@available(freshet 0.1, *)
package enum SettingsReference {
    package static func markdown(_ table: SettingsTable = .server) -> String {
        introduction + table.groups.map(section).joined(separator: "\n")
    }

    private static let introduction = """
        # Configuration

        <!-- Written by `freshet serve --print-settings`. Change the settings in Sources/FreshetServer/Configuration instead. -->

        Each setting of `freshet serve` can be set in three places; the first of these that sets it wins:

        1. a flag: `--heartbeat-seconds 5`
        2. an environment variable: `FRESHET_HEARTBEAT_SECONDS=5`; an empty one counts as unset
        3. a YAML file given with `--config FILE` or `FRESHET_CONFIG`: `heartbeat-seconds: 5`

        An unknown name or an invalid value stops the server at startup with a message that says where it is, even if another
        place overrides it. Write sizes as `8MiB` or in bytes, and fractions of seconds as `0.5`. A list is a YAML list, or
        one text with commas. Flags that are true or false take no value: `--open`, `--no-open`.

        ## The keys file

        `keys` names a file with one grant per line. Fields are separated by spaces or tabs; `#` starts a comment:

        ```
        # name    key                                      rights             streams
        backend   sha256:HEX-DIGEST-OF-THE-KEY             all                *
        writer    a-key-of-at-least-sixteen-characters     create,append,end  chat/ jobs/
        ```

        - *name*: letters, digits, `-` and `_`. Logs and responses use it for the key. Another line with the same name and key
          adds a grant.
        - *key*: the bearer key itself, or `sha256:` and its digest: `printf %s "$KEY" | sha256sum`. Make a key with
          `openssl rand -hex 32`.
        - *rights*: any of `create`, `append`, `end`, `cancel`, `read`, `delete`, `inspect`, separated by commas without spaces. `all` is
          all of them but `inspect`; for an operator write `all,inspect`.
        - *streams*: prefixes of stream names, as they follow `/v1/stream/`; `*` matches every stream. `chat/` matches `chat/42`
          but not `chatter`; `chat` matches both. `chat/*` means the same as `chat/`. The log warns of a prefix that ends
          in neither `/` nor `*`: `answers/42` matches `answers/420` too. (In [tokens](access.md#rights) it is that stream alone.)

        Make the file readable by the server's user only (`chmod 600`), even if it contains only digests: tokens for the
        [probe](doctor.md) are signed with them. The server warns at startup if others can read it. A key that you remove loses
        its rights, and its session cookies, at the next [reload](operations.md#reload).


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
