import NIOHPACK

/// A request's head as HTTP/2 brings it, and a response's as it is sent.
@available(freshet 0.1, *)
enum HTTP2Syntax {
    /// What NIO's parser found and has looked at: pseudo-fields, names and values are well-formed by then, and there is
    /// no field of a connection (RFC 9113, section 8.2).
    ///
    /// - Parameter isEmpty: the request ends with its head, or with an empty body.
    /// - Returns: the head, and what is wrong with it where something is.
    static func head(_ headers: HPACKHeaders, isEmpty: Bool) -> (head: RequestHead, flaw: RequestFailure?) {
        var method = ""
        var path: String?
        var authority: String?
        var hosts: [String] = []
        var cookies: [String] = []
        var fields: [HeaderField] = []
        fields.reserveCapacity(headers.count)
        for (name, value, _) in headers {
            switch name {
            case ":method": method = value
            case ":path": path = value
            case ":authority": authority = value
            case "host": hosts.append(value)
            // A client may send it in pieces (section 8.2.3).
            case "cookie": cookies.append(value)
            default: if name.utf8.first != UInt8(ascii: ":") { fields.append(HeaderField(name, value)) }
            }
        }
        let host = authority ?? hosts.first
        if let host { fields.insert(HeaderField("Host", host), at: 0) }
        if !cookies.isEmpty { fields.append(HeaderField("Cookie", cookies.joined(separator: "; "))) }
        let head = RequestHead(
            method: RequestMethod(rawValue: method),
            uri: path ?? host ?? "",
            authority: host,
            headers: RequestFields(fields),
            body: isEmpty ? .none : body(headers),
            expectsContinue: headers["expect"].contains { $0.lowercased() == "100-continue" },
            version: "2"
        )
        return (head, flaw(method: method, path: path, authority: authority, hosts: hosts))
    }

    private static func body(_ headers: HPACKHeaders) -> RequestHead.Body {
        guard let text = headers.first(name: "content-length") else { return .openEnded }
        // A parser that takes every length has looked at it before.
        let length = UInt64(text) ?? 0
        return length > 0 ? .length(Int(clamping: length)) : .none
    }

    /// The rules for the authority (section 8.3.1), and those of HTTP/1's parser for what else is in the first line.
    private static func flaw(method: String, path: String?, authority: String?, hosts: [String]) -> RequestFailure? {
        if hosts.count > 1 { return .malformed("it has \(hosts.count) host fields") }
        switch (authority, hosts.first) {
        case (nil, nil): return .malformed("it names no host, in :authority or in host")
        case (let authority?, _) where authority.isEmpty: return .malformed("its :authority is empty")
        case (let authority?, let host?) where authority.lowercased() != host.lowercased():
            return .malformed("its :authority and its host differ")
        default: break
        }
        guard !method.isEmpty, method.utf8.allSatisfy(isToken) else { return .unsupportedMethod }
        guard method != "CONNECT" else { return .unsupportedMethod }
        guard let path, path.utf8.first == UInt8(ascii: "/") || (path == "*" && method == "OPTIONS"),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { return .malformed("its :path is no path") }
        return nil
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// Fields that say how an HTTP/1 connection goes on, or how long a body is, which is said elsewhere.
    private static let ofConnections: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
    ]

    static func headers(_ status: Int, _ fields: [HeaderField], date: String, length: Int?) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(fields.count + 3)
        headers.add(name: ":status", value: "\(status)")
        headers.add(name: "date", value: date)
        for field in fields {
            let name = field.name.lowercased()
            guard !ofConnections.contains(name) else { continue }
            // A value may quote what a client sent.
            let isClean = field.value.utf8.allSatisfy(isPrintable)
            let value = isClean ? field.value : String(decoding: field.value.utf8.filter(isPrintable), as: UTF8.self)
            // What is secret stays out of the table that others' fields are compared with.
            headers.add(name: name, value: value, indexing: name == "set-cookie" ? .neverIndexed : .indexable)
        }
        if let length { headers.add(name: "content-length", value: "\(length)", indexing: .nonIndexable) }
        return headers
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == 0x09 }
}
