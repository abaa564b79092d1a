/// The version of this program and of what it serves. `clients/browser/package.json` says the same.
package enum FreshetVersion {
    package static let text = "0.1.0"
}
