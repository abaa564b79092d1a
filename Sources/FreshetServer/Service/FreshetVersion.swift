/// The version that these sources are, or become. It is written here alone: `scripts/lib/version.sh` reads it, and
/// `clients/browser/package.json` is checked against it.
@available(freshet 0.1, *)
package enum FreshetVersion {
    package static let number = "0.1.0"
}
