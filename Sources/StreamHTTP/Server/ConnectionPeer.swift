/// Who is at the other end of a connection, and by which way they came.
@available(freshet 0.1, *)
struct ConnectionPeer {
    /// Without the port.
    var address: String
    /// Set when the connection is one more than may be served.
    var refusal: ConnectionRefusal?
    /// Nobody in between reads along.
    var isSecure: Bool
    /// They came by a port that only this machine reaches.
    var isOnThisMachine: Bool
    /// What counts the streams of their address.
    var streams: HTTP2StreamCensus?

    init(address: String, refusal: ConnectionRefusal?, _ port: PortKind = PortKind()) {
        self.address = address
        self.refusal = refusal
        isSecure = port.certificate != nil
        isOnThisMachine = port.isForThisMachine
    }
}
