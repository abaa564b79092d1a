import TextCodecs

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A URL that can be requested, and its origin.
@available(freshet 0.1, *)
package struct Target: Equatable {
    /// Absolute, without a fragment.
    package let url: String
    private let origin: String

    /// Nil for anything but an absolute `http` or `https` URL with a host, and with a port up to 65535 if it has one.
    package init?(_ string: String) {
        self.init(URL(string: string, encodingInvalidCharacters: false))
    }

    private init?(_ url: URL?) {
        guard let url, let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host(percentEncoded: true)?.lowercased(), !host.isEmpty, Self.hasPossiblePort(url)
        else { return nil }
        self.url = String(url.absoluteString.prefix { $0 != "#" })
        origin = "\(scheme)://\(host):\(url.port ?? (scheme == "https" ? 443 : 80))"
    }

    /// A larger one would end the process in SwiftNIO, which takes it for a mistake of the program; and one that is too
    /// large for an integer would be taken for none.
    private static func hasPossiblePort(_ url: URL) -> Bool {
        guard let parts = URLComponents(url: url, resolvingAgainstBaseURL: true), let text = parts.string,
            let range = parts.rangeOfPort, !range.isEmpty
        else { return true }
        return UInt16(text[range]) != nil
    }

    /// Where a `Location` leads from here; nil if it leads nowhere that can be requested.
    func redirected(to location: String) -> Target? {
        guard !location.isEmpty, let base = URL(string: url) else { return nil }
        return Target(URL(string: location, relativeTo: base)?.absoluteURL)
    }

    /// The same URL with one more query item.
    package func adding(query name: String, _ value: String) -> Target {
        // Offsets, `-1` and `now` pass as they are; anything else is escaped rather than trusted.
        let item = "\(name)=" + PercentEncoding.encode(value, keeping: .unreserved)
        return Target(url + (url.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + item) ?? self
    }

    func isSameOrigin(as other: Target) -> Bool {
        origin == other.origin
    }
}
