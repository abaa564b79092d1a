/// A port that a server cannot listen on.
@available(freshet 0.1, *)
package struct ListenFailure: Error {
    package var host: String
    package var port: Int
    package var reason: any Error
    /// It is the one of `clear-text-port`.
    package var isSecond: Bool
}
