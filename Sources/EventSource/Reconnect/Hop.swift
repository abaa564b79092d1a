/// One request of an attempt: the first, or the one that a redirect led to.
@available(freshet 0.1, *)
struct Hop: Equatable {
    var target: Target
    var method: String
    var sendsBody: Bool

    /// Where a redirect leads, with the method that fetch continues with (Fetch, "HTTP-redirect fetch"): 301 and 302
    /// turn a POST into a GET, 303 all but HEAD, 307 and 308 nothing. The body goes where the method goes.
    ///
    /// - Returns: Nil if the location leads nowhere that can be requested.
    func redirected(_ status: Int, to location: String) -> Hop? {
        guard let next = target.redirected(to: location) else { return nil }
        let becomesGET =
            switch status {
            case 301, 302: method == "POST"
            case 303: method != "GET" && method != "HEAD"
            default: false
            }
        return becomesGET
            ? Hop(target: next, method: "GET", sendsBody: false)
            : Hop(target: next, method: method, sendsBody: sendsBody)
    }
}
