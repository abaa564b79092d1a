import ArgumentParser
import Foundation
import NIOSSL

/// What every command takes that asks a server: whose certificate it believes.
@available(freshet 0.1, *)
struct TrustOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A PEM file of certificates to trust beside the system's.",
            discussion: "For https:// servers whose certificate is private: the authority's, or the server's own.",
            valueName: "file"
        )
    )
    var caFile: String?

    /// The certificates to trust beside the system's.
    func authorities() throws -> [NIOSSLCertificate] {
        guard let caFile else { return [] }
        guard let data = FileManager.default.contents(atPath: caFile) else {
            throw ValidationError("The file of --ca-file, '\(caFile)', cannot be read.")
        }
        guard let found = try? NIOSSLCertificate.fromPEMBytes(Array(data)), !found.isEmpty else {
            throw ValidationError("The file of --ca-file, '\(caFile)', holds no certificate in PEM form.")
        }
        return found
    }
}
