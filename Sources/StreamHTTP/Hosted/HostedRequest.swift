import NIOCore

/// A request that came over a connection of another server, as the plane of a loop sees it. Bound to the loop.
protocol HostedRequest: AnyObject {
    /// May be asked to leave while streams that are being written or have just ended are read to their end.
    var mayLeave: Bool { get }
    func tick(now: NIODeadline)
    /// The server is going away.
    func drain()
    /// The plane is no more.
    func abandon()
}
