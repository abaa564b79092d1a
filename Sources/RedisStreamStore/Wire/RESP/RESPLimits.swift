/// What a peer may make the parser hold.
@available(freshet 0.1, *)
package struct RESPLimits: Hashable, Sendable {
    /// Bytes of a line: a simple string, an error, a number, without its CR and LF.
    package var line = 64 << 10
    /// Bytes of one bulk string.
    package var bulk = 64 << 20
    /// Bytes of all strings of one reply.
    package var reply = 256 << 20
    /// Values in one reply, those inside of others and those of attributes included.
    package var elements = 1 << 20
    /// How many values a value may be inside of.
    package var depth = 16

    package init() {}
}
