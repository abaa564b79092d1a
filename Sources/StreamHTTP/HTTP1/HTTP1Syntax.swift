import NIOHTTP1

/// What HTTP/1 asks of a request's head and its parser does not: everything that two parsers may read differently.
@available(freshet 0.1, *)
enum HTTP1Syntax {
    /// What is wrong with a head (RFC 9112, sections 3.2, 6.1 and 6.3); nil when it may be answered.
    static func flaw(of head: RequestHead, _ version: HTTPVersion) -> RequestFailure? {
        guard version.major == 1 else { return .unsupportedVersion }
        let encodings = head.headers["Transfer-Encoding"]
        if !encodings.isEmpty, !head.headers["Content-Length"].isEmpty {
            return .malformed("it has both Transfer-Encoding and Content-Length")
        }
        if !encodings.isEmpty, version.minor == 0 {
            return .malformed("HTTP/1.0 has no Transfer-Encoding")
        }
        if !encodings.isEmpty, encodings.count > 1 || encodings[0].lowercased() != "chunked" {
            return .unsupportedEncoding
        }
        let hosts = head.headers.count(name: "Host")
        if hosts > 1 || (hosts == 0 && version.minor >= 1) {
            return .malformed("it has \(hosts) Host fields, and HTTP/1.1 wants one")
        }
        return nil
    }

    /// After it the connection carries no further request.
    static func isLast(_ head: HTTPRequestHead) -> Bool {
        // After a request to upgrade the decoder waits for another protocol, and keeps whatever comes.
        !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "upgrade")
    }
}

@available(freshet 0.1, *)
extension RequestHead {
    /// What NIO's parser found.
    init(_ head: HTTPRequestHead) {
        var fields: [HeaderField] = []
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers { fields.append(HeaderField(name, value.withoutBlanksAtEnd)) }
        let headers = RequestFields(fields)
        self.init(
            method: RequestMethod(rawValue: head.method.rawValue),
            uri: head.uri,
            authority: headers.first(name: "Host"),
            headers: headers,
            body: Body(head.headers),
            // HTTP/1.0 knows no such word (RFC 9110, section 10.1.1).
            expectsContinue: head.version.minor >= 1
                && headers["Expect"].contains { $0.lowercased() == "100-continue" },
            version: head.version == .http1_1 ? "1.1" : "\(head.version.major).\(head.version.minor)"
        )
    }
}

@available(freshet 0.1, *)
extension RequestHead.Body {
    /// As HTTP/1 tells it.
    ///
    /// The parser lets through a length that an `Int` does not hold: that is a body all the same, and too large for
    /// every limit.
    init(_ headers: HTTPHeaders) {
        if headers.contains(name: "Transfer-Encoding") {
            self = .openEnded
        } else if let length = headers.first(name: "Content-Length").flatMap(Self.number), length > 0 {
            self = .length(Int(clamping: length))
        } else {
            self = .none
        }
    }

    private static func number(_ value: String) -> UInt64? { UInt64(value.withoutBlanksAtEnd) }
}

@available(freshet 0.1, *)
extension String {
    /// Blanks after a value are no part of it (RFC 9110, section 5.5); the parser leaves them there.
    fileprivate var withoutBlanksAtEnd: String {
        var value = self
        while let last = value.utf8.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") {
            value.unicodeScalars.removeLast()
        }
        return value
    }
}

@available(freshet 0.1, *)
extension RequestFailure {
    /// What an error of the decoder says about the request; nil when it is an error of the connection.
    init?(_ error: any Error) {
        guard let error = error as? HTTPParserError else { return nil }
        switch error {
        case .headerOverflow: self = .headerTooLarge
        case .invalidVersion: self = .unsupportedVersion
        case .invalidMethod: self = .unsupportedMethod
        case .invalidEOFState, .closedConnection: return nil
        default: self = .malformed("\(error)")
        }
    }
}
