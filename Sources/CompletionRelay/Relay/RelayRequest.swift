package import NIOHTTP1
package import StreamHTTP
package import Tracing

/// A request to the relay, of somebody who may make it. No field that may go on to an upstream holds a
/// key of this server.
@available(freshet 0.1, *)
package struct RelayRequest: Sendable {
    package let method: String
    /// What follows `/v1`, or the address of an upstream that has its own paths, as it was sent.
    package let path: String
    /// With its question mark; empty where there is none.
    package let query: String
    /// What the caller sent, without the fields that would pass on a key of this server.
    package private(set) var headers: HTTPHeaders
    /// What follows its head. No field says so over HTTP/2.
    let body: RequestHead.Body
    /// The upstream that the caller names; nil for whichever suits the request.
    package let upstream: String?
    /// Scheme and authority by which the caller reaches this server.
    package let baseURL: String
    package let isDraining: Bool
    /// Fields that held a key of this server, by their names in lower case: nothing that goes with a trace takes their place.
    /// Looked at only where there is a trace.
    let withheld: Set<String>
    /// The span that the calls it comes to belong to; nil where there is none.
    let trace: InstrumentationContext?
    /// The memory that its body is counted in, and for whom; nil where it is not.
    private let inflight: InflightBudget?
    private let address: String
    /// A key of this server stands in the path or the query.
    let targetHoldsKey: Bool
    /// A key of this server, and nothing else, stands in the fields that a provider's key would stand in.
    let credentialIsOurs: Bool
    /// What tells one caller's keys from another's.
    let credential: String

    /// The same, whose body is no longer packed.
    var unpacked: RelayRequest {
        var plain = self
        plain.headers.remove(name: "Content-Encoding")
        return plain
    }

    /// Memory for so many bytes of its body; nil where that is not counted.
    func claim(_ bytes: Int) throws(Problem) -> InflightClaim? {
        guard let inflight else { return nil }
        guard let claim = InflightClaim(bytes, in: inflight, from: address) else { throw .noMemoryForCall }
        return claim
    }

    /// - Parameters:
    ///   - caller: who the caller is to this server; nil where it asks nobody.
    ///   - token: what the caller is known by, where that is another each time and the caller stays the same.
    ///   - isOurs: whether a word is a key of this server; nil where it has none.
    ///   - inflight: the memory that its body is counted in; nil where it is not.
    ///   - address: whence it came, for that.
    ///   - trace: the span that the calls it comes to belong to; nil where there is none.
    package init(
        method: String,
        path: String,
        query: String = "",
        headers: HTTPHeaders,
        body: RequestHead.Body = .none,
        upstream: String? = nil,
        baseURL: String,
        caller: String? = nil,
        token: String? = nil,
        isOurs: ((String) -> Bool)? = nil,
        isDraining: Bool = false,
        inflight: InflightBudget? = nil,
        address: String = "",
        trace: InstrumentationContext? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.upstream = upstream
        self.baseURL = baseURL
        self.isDraining = isDraining
        self.inflight = inflight
        self.address = address
        self.trace = trace
        let shown = Credentials.fields.flatMap { headers[$0] }
        // Google's clients may show it there.
        let inQuery = QueryText(query).credentials
        let lasting = shown.filter { value in token.map { value != $0 && !value.hasSuffix(" \($0)") } ?? true }
        credential = ([caller ?? ""] + lasting + inQuery).joined(separator: "\u{0}")
        guard let isOurs else {
            self.headers = headers
            (targetHoldsKey, credentialIsOurs, withheld) = (false, false, [])
            return
        }
        // Each has a search of its own: however much there is to look at in one, nobody is told of a key that is not in
        // another, unless there are three of that kind before it.
        var left = 3 * KeySearch.wholeBudget
        let kept = headers.filter { field in
            guard HeaderRules.mayPass(field.name.lowercased()) else { return true }
            let budget = min(left, KeySearch.wholeBudget)
            var search = KeySearch(isKey: isOurs, budget: budget)
            let isFound = search.finds(in: field.name.utf8) || search.finds(in: field.value.utf8)
            left -= budget - search.budget
            return !isFound
        }
        var targetSearch = KeySearch(isKey: isOurs)
        targetHoldsKey = targetSearch.finds(in: (path + query).utf8)
        self.headers = HTTPHeaders(kept.map { ($0.name, $0.value) })
        withheld =
            trace == nil ? [] : Set(headers.map { $0.name.lowercased() }).subtracting(kept.map { $0.name.lowercased() })
        let remaining = self.headers
        credentialIsOurs = !shown.isEmpty && !Credentials.fields.contains(where: remaining.contains(name:))
    }
}
