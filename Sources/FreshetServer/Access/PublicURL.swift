package import StreamHTTP

/// Where clients reach the server, when that is not where it listens: behind a proxy that has it under another name, or
/// under a path that it takes away.
@available(freshet 0.1, *)
package struct PublicURL: Sendable, Equatable {
    package let origin: WebOrigin
    /// Without a slash at its end; empty at the root.
    package let path: String

    /// Nil for whatever is not `http` or `https` with a host, and maybe a port and a path.
    package init?(parsing text: String) {
        guard let colon = text.firstRange(of: "://") else { return nil }
        let rest = text[colon.upperBound...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let origin = WebOrigin(parsing: String(text[..<slash])), ["http", "https"].contains(origin.scheme) else {
            return nil
        }
        var path = rest[slash...]
        while path.last == "/" { path.removeLast() }
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        // It becomes a part of header fields and pages: what a path may hold as it stands, and what is percent-encoded.
        guard path.isEmpty || segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
            path.unicodeScalars.allSatisfy(Self.allows)
        else { return nil }
        self.origin = origin
        self.path = String(path)
    }

    package var text: String { origin.description + path }

    package var isSecure: Bool { origin.scheme == "https" }

    private static func allows(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "-", ".", "_", "~", "!", "$", "(", ")", "+", ",", "=", ":", "@", "%", "/",
            "&":
            true
        default: false
        }
    }
}

@available(freshet 0.1, *)
extension Response {
    /// The same where a path of the server is one under another for its clients.
    package func located(under path: String) -> Response {
        var response = self
        for (index, field) in headers.enumerated() where field.name == "Location" && field.value.hasPrefix("/") {
            response.headers[index].value = path + field.value
        }
        return response
    }
}
