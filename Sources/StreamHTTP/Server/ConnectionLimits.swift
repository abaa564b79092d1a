/// How many connections there may be: what was configured, or what the limit of open files leaves of it.
@available(freshet 0.1, *)
package struct ConnectionLimits: Sendable, Equatable {
    /// Served, in all.
    package var connections: Int
    /// Served, of one address; 0 means no bound.
    package var perAddress: Int
    /// Kept beyond these for long enough to be told why they are not served.
    package var courtesy: Int

    /// Connections that may be open beside all these for a moment: accepted and not yet counted in, or sent away and
    /// not yet closed. Accepting rests when there are as many.
    static let inPassing = 32

    init(connections: Int, perAddress: Int) {
        self.connections = connections
        self.perAddress = perAddress
        courtesy = 64 + connections / 10
    }

    /// The descriptors that they take at most.
    var descriptors: Int { connections + courtesy + Self.inPassing }

    /// The limits where there are fewer descriptors than they would take; nil where there are too few for any service.
    func fitting(_ room: Int) -> ConnectionLimits? {
        guard descriptors > room else { return self }
        let usable = room - Self.inPassing
        guard usable >= 16 else { return nil }
        var fitted = self
        fitted.courtesy = usable / 8
        fitted.connections = usable - fitted.courtesy
        // One address that was not to have all of them is not to have all of these either.
        let most = perAddress < connections ? fitted.connections - fitted.connections / 8 : fitted.connections
        fitted.perAddress = min(perAddress, most)
        return fitted
    }

    /// What connections may take of the open files.
    ///
    /// - Parameters:
    ///   - limit: how many files may be open.
    ///   - open: how many are: the store, the listener, the event loops, what else the program has.
    ///   - elsewhere: how many more are promised to others, such as connections to upstreams.
    static func room(limit: Int, open: Int, elsewhere: Int) -> Int {
        // What is opened for a moment: by SQLite, by looking up a name, by Dispatch, by a program around the server.
        let reserve = min(24 + limit / 32, 1024)
        return limit - open - elsewhere - reserve
    }
}

/// There are too few descriptors to serve anybody.
@available(freshet 0.1, *)
package struct TooFewOpenFiles: Error, CustomStringConvertible {
    package var limit: Int
    package var open: Int

    package var description: String {
        "the limit of open files is \(limit), and \(open) are open before the first connection: raise it with `ulimit -n`"
    }
}
