import SQLiteStreamStore
import StreamHTTP

@available(freshet 0.1, *)
extension SettingKind where Value == String? {
    /// A file's path, taken as it is. The file is opened later, and missed then.
    static var path: SettingKind {
        SettingKind("path", allowed: "the path of a file", text: { $0.isEmpty ? .none : .some($0) }, show: { $0 ?? "" })
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == String? {
    /// The path of a file to write, or what stands for standard output.
    static var outputPath: SettingKind {
        SettingKind(
            "path",
            allowed: "the path of a file, or \(AccessLogFile.standardOutput)",
            text: { $0.isEmpty ? .none : .some($0) },
            show: { $0 ?? "" }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == String? {
    /// Where clients reach the server.
    static var publicURL: SettingKind {
        SettingKind(
            "url",
            allowed: "http://host[:port][/path] or https://host[:port][/path], without a query",
            text: { PublicURL(parsing: $0).map { .some($0.text) } },
            show: { $0 ?? "" }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == Durability {
    static var durability: SettingKind {
        SettingKind(
            "fsync|os",
            allowed: "fsync or os",
            text: { Durability(rawValue: $0) },
            show: \.rawValue
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == String {
    /// The path of the data directory.
    static var dataDirectory: SettingKind {
        SettingKind("directory", allowed: "the path of a directory", text: { $0.isEmpty ? nil : $0 }, show: { $0 })
    }

    /// An address or a name to bind.
    static var bindHost: SettingKind {
        SettingKind(
            "address",
            allowed: "an address or a host name without a port (0.0.0.0 or :: for every network)",
            text: { text in
                guard let authority = Authority(parsing: text) ?? Authority(parsing: "[\(text)]"),
                    authority.port == nil,
                    text.utf8.last != UInt8(ascii: ":") || text.utf8.starts(with: "::".utf8)
                else {
                    return nil
                }
                let host = authority.host
                return host.utf8.first == UInt8(ascii: "[") ? String(host.dropFirst().dropLast()) : host
            },
            show: { $0 }
        )
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [String] {
    static var origins: SettingKind {
        SettingKind(listOf: "origins, each scheme://host[:port]", "origins") { text throws(Refusal) in
            guard text != "*" else {
                throw Refusal("* would let every page use its reader's session; name each origin")
            }
            guard let origin = WebOrigin(parsing: text) else {
                throw Refusal("\"\(text)\" is not an origin; write scheme://host[:port], without a path or a last /")
            }
            return origin.description
        } show: {
            $0
        }
    }

    /// Fields of another server's response that may be passed on.
    static var foreignFields: SettingKind {
        SettingKind(listOf: "names of header fields", "names") { text throws(Refusal) in
            guard ForeignFields.isName(text) else {
                throw Refusal("\"\(text)\" is not a name of a header field; write each name in full, without a value")
            }
            guard !ForeignFields.isReserved(text) else {
                throw Refusal(
                    "\(text) cannot be passed on: it belongs to a connection, or rules pages, browsers or proxies in the "
                        + "name of this server. Take it out"
                )
            }
            return text.lowercased()
        } show: {
            $0
        }
    }

    static var hostNames: SettingKind {
        SettingKind(listOf: "host names without ports", "names") { text throws(Refusal) in
            guard let authority = Authority(parsing: text), authority.port == nil, text.utf8.last != UInt8(ascii: ":")
            else {
                throw Refusal("\"\(text)\" is not a host name; write it without scheme, port and path")
            }
            return authority.host
        } show: {
            $0
        }
    }

    /// Beginnings of names, as `StreamPrefix` writes them.
    static var prefixes: SettingKind {
        SettingKind(listOf: "beginnings of stream names, * for every stream", "prefixes") { text throws(Refusal) in
            try StreamPrefix(parsing: text).description
        } show: {
            $0
        }
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [IPNetwork] {
    /// Addresses of other machines, one by one or all that begin alike.
    static var networks: SettingKind {
        SettingKind(listOf: "addresses, or networks such as 10.0.0.0/8", "addresses") { text throws(Refusal) in
            guard let network = IPNetwork(parsing: text) else {
                throw Refusal(
                    "\"\(text)\" is no address; write one without a port, or a network as 10.0.0.0/8 or fd00::/8"
                )
            }
            guard !network.isEverybody else {
                throw Refusal("\(text) is everybody, and every client could say where it comes from; name the proxies")
            }
            return network
        } show: {
            $0.description
        }
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [UpstreamSetting] {
    static var upstreams: SettingKind {
        SettingKind(listOf: UpstreamSetting.form, "upstreams") { text throws(Refusal) in
            try UpstreamSetting(parsing: text)
        } show: {
            $0.description
        }
    }
}
