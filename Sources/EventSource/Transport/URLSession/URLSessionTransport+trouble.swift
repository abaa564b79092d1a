#if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@available(freshet 0.1, *)
extension URLSessionTransport {
    /// What the session decodes by itself. FoundationNetworking leaves that to its curl, which knows the first three for
    /// certain.
    private static let decoded: Set<String> = {
        var codings: Set = ["gzip", "x-gzip", "deflate"]
        #if canImport(Darwin)
        codings.insert("br")
        #endif
        return codings
    }()

    /// Header fields without the codings that the session took off the body: it leaves them in.
    static func undecoded(_ headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
        headers.filter { field in
            guard field.name.lowercased() == "content-encoding" else { return true }
            let codings = field.value.lowercased().split { $0 == "," || $0 == " " || $0 == "\t" }
            return !codings.allSatisfy { decoded.contains(String($0)) }
        }
    }

    /// An error of the session as an event source is told it.
    static func trouble(_ error: any Error) -> any Error {
        if let error = error as? URLError, error.code == .cancelled { return CancellationError() }
        let isUnsent = (error as? URLError).map { unsent.contains($0.code) } ?? false
        return EventSourceTransportError(TransportTrouble.describe(error), isUnsent: isUnsent)
    }

    /// Nil where it is an error of something else.
    static func describe(_ error: any Error) -> String? {
        (error as? URLError)?.localizedDescription
    }

    /// Errors of which it is certain that no server has had anything of the request: there was no connection.
    private static let unsent: Set<URLError.Code> = [
        .badURL, .unsupportedURL, .cannotFindHost, .dnsLookupFailed, .cannotConnectToHost, .notConnectedToInternet,
        .dataNotAllowed, .internationalRoamingOff, .serverCertificateHasBadDate, .serverCertificateUntrusted,
        .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid,
    ]
}
#endif
