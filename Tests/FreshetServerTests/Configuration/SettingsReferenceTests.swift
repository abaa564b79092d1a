import Foundation
import FreshetServer
import Testing

@Suite struct SettingsReferenceTests {
    @Test func everySettingHasARow() {
        for setting in SettingsTable.server.settings {
            #expect(SettingsReference.markdown().contains("\n| `\(setting.name)` |"))
        }
    }

    @Test func theDocumentationIsWhatTheSettingsSay() throws {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let written = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        #expect(
            written == SettingsReference.markdown() + "\n",
            "run `freshet serve --print-settings > docs/configuration.md`"
        )
    }
}
