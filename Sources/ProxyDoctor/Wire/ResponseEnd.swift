/// How a response ended, as far as its reader can tell.
@available(freshet 0.1, *)
package enum ResponseEnd: Sendable, Equatable {
    /// Its framing says that it is whole.
    case complete
    /// The connection was closed in order, and its framing leaves it at that: HTTP/1.0.
    case closeDelimited
    /// It is visibly not whole: closed before its end, reset, or broken. With how it showed.
    case torn(String)
    /// It had not ended when the reader had waited long enough.
    case open
    /// The reader left, as it was told to.
    case left
    /// There was no connection.
    case unreachable(String)

    /// Whether a reader believes that it has all of it.
    package var looksClean: Bool {
        switch self {
        case .complete, .closeDelimited: true
        default: false
        }
    }
}
