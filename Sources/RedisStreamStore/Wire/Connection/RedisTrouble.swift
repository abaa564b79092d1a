import PrintableText

/// Why there is no connection to Redis, in a sentence for operators. It holds no secret.
@available(freshet 0.1, *)
package struct RedisTrouble: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// There is nobody, or no such host.
        case connect
        case tls
        /// A step took too long.
        case timeout
        /// Redis closed the connection, or the network did.
        case closed
        case credentials
        /// The user may not do what is needed.
        case permission
        case version
        /// There is no database of that number.
        case database
        case notMaster
        /// No sentinel says where the master is.
        case sentinel
        /// The sentinels know no master of that name.
        case masterName
        /// It is a node of a Redis Cluster.
        case cluster
        /// It reads its data from the disk or from its master.
        case loading
        /// What came is not RESP3, or not what was asked for.
        case malformed
        /// Another error was the answer.
        case refused
        /// What is done on a new connection failed.
        case setup
        /// The connection was closed from here.
        case stopped
    }

    package var kind: Kind
    package var description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// Whether waiting will not help, though it is tried again all the same: someone may repair it.
    package var isPermanent: Bool {
        switch kind {
        case .credentials, .permission, .version, .database, .cluster, .masterName: true
        default: false
        }
    }

    /// What Redis said, in as many words as a log should have.
    static func said(_ error: RESPError) -> String {
        shown(error.description)
    }

    /// Somebody else's words, short and without what moves a cursor.
    static func shown(_ text: String) -> String {
        PrintableText.escaped(String(decoding: text.utf8.prefix(200), as: UTF8.self))
    }
}
