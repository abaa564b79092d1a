import StreamHTTP

/// One request of the property test, of which the test knows what it means.
struct RightsAsk: Sendable, CustomStringConvertible {
    /// The ways in.
    enum Way: String, Sendable, CaseIterable {
        case catchUp, events, lines, plain, durableEvents, longPoll, head, options
        case create, createWithBody, createEnded, fork, forkWithBody
        case append, appendWhileItArrives, appendAndEnd, end, lease, cancel, delete
        case describe, readers, list, search, node, nodes, metrics, probe, session
    }

    var way: Way
    var name: String
    /// The source of a fork, or what names in a list begin with or have in them.
    var other: String
    /// How many a page of a list has.
    var limit: Int
    /// How the name is spelled in the target.
    var spelling: UInt64

    /// The rights that it needs, and where.
    var needs: [(right: String, name: String)] {
        switch way {
        case .catchUp, .events, .lines, .plain, .durableEvents, .longPoll, .head, .describe: [("read", name)]
        case .options, .list, .search, .probe, .session: []
        case .create: [("create", name)]
        case .createWithBody: [("create", name), ("append", name)]
        case .createEnded: [("create", name), ("end", name)]
        case .fork: [("create", name), ("read", other)]
        case .forkWithBody: [("create", name), ("append", name), ("read", other)]
        case .append, .appendWhileItArrives, .lease: [("append", name)]
        case .appendAndEnd: [("append", name), ("end", name)]
        case .end: [("end", name)]
        case .cancel: [("cancel", name)]
        case .delete: [("delete", name)]
        case .readers: [("inspect", name)]
        // What is every stream's.
        case .node, .nodes: [("inspect", "")]
        case .metrics: [("read", "")]
        }
    }

    /// Whether a stream that is there comes with its events.
    var brings: Bool { [.catchUp, .events, .lines, .plain, .durableEvents].contains(way) }

    private static let text = ("Content-Type", "text/plain")

    /// The request: its target, its own fields, and its body.
    var request: (method: RequestMethod, target: String, fields: [(String, String)], body: String?) {
        var spelling = NameSpelling(seed: self.spelling)
        let path = "/v1/stream/\(spelling.path(name))"
        switch way {
        case .catchUp: return (.GET, path, [], nil)
        case .events: return (.GET, path, [("Accept", "text/event-stream")], nil)
        case .lines: return (.GET, path, [("Accept", "application/x-ndjson")], nil)
        case .plain: return (.GET, path + "?as=plain", [], nil)
        case .durableEvents: return (.GET, path + "?offset=-1&live=sse", [], nil)
        case .longPoll: return (.GET, path + "?offset=now&live=long-poll", [], nil)
        case .head: return (.HEAD, path, [], nil)
        case .options: return (.OPTIONS, path, [("Access-Control-Request-Method", "PUT")], nil)
        case .create: return (.PUT, path, [Self.text], nil)
        case .createWithBody: return (.PUT, path, [Self.text], "new")
        case .createEnded: return (.PUT, path, [Self.text, ("Stream-Closed", "true")], nil)
        case .fork, .forkWithBody:
            let beginning = spelling.isAbsolute ? "http://localhost" : ""
            let source = ("Stream-Forked-From", "\(beginning)/v1/stream/\(spelling.field(other))")
            return (.PUT, path, [Self.text, source], way == .fork ? nil : "new")
        case .append, .appendWhileItArrives: return (.POST, path, [Self.text], "new")
        case .appendAndEnd: return (.POST, path, [Self.text, ("Stream-Closed", "true")], "new")
        case .end: return (.POST, path, [("Stream-Closed", "true")], nil)
        case .lease: return (.POST, path, [("Stream-Lease", "\(60 + limit)")], nil)
        case .cancel: return (.POST, path, [("Stream-Cancel", "true")], nil)
        case .delete: return (.DELETE, path, [], nil)
        case .describe: return (.GET, "/v1/streams/\(spelling.path(name))", [], nil)
        case .readers: return (.GET, "/v1/readers?stream=\(spelling.field(name))", [], nil)
        case .list, .search: return page(after: nil)
        case .node: return (.GET, "/v1/node", [], nil)
        case .nodes: return (.GET, "/v1/nodes", [], nil)
        case .metrics: return (.GET, "/metrics", [], nil)
        case .probe: return (.GET, "/v1/probe?name=\(spelling.field(name))&stream=\(spelling.field(name))", [], nil)
        case .session: return (.POST, "/v1/session", [], nil)
        }
    }

    /// A page of a list: what follows `next`, or the first.
    func page(after next: String?) -> (method: RequestMethod, target: String, fields: [(String, String)], body: String?)
    {
        var spelling = NameSpelling(seed: self.spelling)
        let what = way == .list ? "prefix" : "search"
        var target = "/v1/streams?limit=\(limit)&\(what)=\(spelling.field(other))"
        if let cursor = next ?? cursor { target += "&cursor=\(spelling.field(cursor))" }
        return (.GET, target, [], nil)
    }

    /// Behind which name a list by names begins; nil for its beginning.
    var cursor: String? { way == .list && limit % 2 == 0 ? name : nil }

    var description: String {
        let request = request
        return "\(way) of \(name.debugDescription)"
            + (other.isEmpty ? "" : " and \(other.debugDescription)")
            + ": \(request.method.rawValue) \(request.target) \(request.fields.map { "\($0.0): \($0.1)" })"
    }
}
