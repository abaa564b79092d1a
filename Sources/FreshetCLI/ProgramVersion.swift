import CRelease
import FreshetServer

/// What `freshet --version` prints.
@available(freshet 0.1, *)
enum ProgramVersion {
    /// With the tag and the commit of a release build, such as `0.1.0 (v0.1.0, 2aa2dfe1b2c3)`.
    static let text = text(number: FreshetVersion.number, release: String(cString: freshet_release()))

    static func text(number: String, release: String) -> String {
        "\(number) (\(release.isEmpty ? "development build" : release))"
    }
}
