/// A request's method, as metrics name it: what clients make up is one.
@available(freshet 0.1, *)
package enum CountedMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
    case options = "OPTIONS"
    case other

    init(_ method: RequestMethod) {
        self =
            switch method {
            case .GET: .get
            case .HEAD: .head
            case .PUT: .put
            case .POST: .post
            case .DELETE: .delete
            case .OPTIONS: .options
            default: .other
            }
    }
}
