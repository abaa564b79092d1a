/// A value that cannot stand in a proxy's configuration: what was given, and what to give instead.
@available(freshet 0.1, *)
package struct ProxyValueError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
