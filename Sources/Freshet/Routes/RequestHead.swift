import FreshetServer
import StreamHTTP

/// A request without its body: what is known when it is decided who may, and what a route answers.
@available(freshet 0.1, *)
public struct RequestHead: Sendable {
    private let request: RouteRequest

    init(_ request: RouteRequest) {
        self.request = request
    }

    /// The method, such as `GET`.
    public var method: String { request.head.method.rawValue }

    /// The path as it was sent, without the query and not decoded.
    public var path: String { request.target.rawPath }

    /// The peer's address, without the port. Behind a proxy it is the proxy's.
    public var address: String { request.facts.address }

    /// All header fields, in their order.
    public var headers: [(name: String, value: String)] { request.head.headers.map { ($0.name, $0.value) } }

    /// The first field of a name, whose case does not count; nil when there is none.
    public func header(_ name: String) -> String? { request.head.headers.first(name: name) }

    /// The first value of a query parameter, decoded; nil when there is none.
    public func query(_ name: String) -> String? { request.target.values(name).first }

    /// The value of a cookie; nil when there is none of that name.
    public func cookie(_ name: String) -> String? {
        for field in request.head.headers["Cookie"] {
            for pair in field.utf8.split(separator: UInt8(ascii: ";")) {
                let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                let key = sides[0].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
                guard sides.count == 2, key.elementsEqual(name.utf8) else { continue }
                return String(decoding: sides[1], as: UTF8.self)
            }
        }
        return nil
    }

    /// The name of the stream that is asked for, where the path is that of one, decoded.
    public var streamName: String? { request.target.pathSuffix(after: StreamRoutes.prefix) ?? nil }
}
