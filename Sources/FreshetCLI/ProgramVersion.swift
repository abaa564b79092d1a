import CRelease

/// What `freshet --version` prints.
enum ProgramVersion {
    /// The version that these sources are, or become; `scripts/lib/version` reads it here.
    static let number = "0.1.0"

    /// With the tag and the commit of a release build, such as `0.1.0 (v0.1.0, 2aa2dfe1b2c3)`.
    static let text = text(number: number, release: String(cString: freshet_release()))

    static func text(number: String, release: String) -> String {
        "\(number) (\(release.isEmpty ? "development build" : release))"
    }
}
