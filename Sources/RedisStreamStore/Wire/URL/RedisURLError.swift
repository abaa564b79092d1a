/// What is wrong with the URL of a Redis. It says nothing of what stands in it beside the scheme and the names of
/// options: a password may stand anywhere in a URL that is written wrongly.
@available(freshet 0.1, *)
package struct RedisURLError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
