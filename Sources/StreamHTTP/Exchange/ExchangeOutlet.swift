import NIOCore

/// The connection, as an exchange sees it.
protocol ExchangeOutlet: AnyObject {
    var isWritable: Bool { get }
    var unsentBytes: Int { get }
    @discardableResult
    func send(_ buffer: ByteBuffer) -> Bool
    /// The head of an answer of unknown or known length.
    func encodeHead(_ status: Int, _ headers: [HeaderField], length: Int?) -> [UInt8]
    /// Something waits for the body: the connection reads on, and says so to a peer that waits to be told.
    func bodyIsWanted()
    /// The answer is complete.
    func exchangeFinished(_ exchange: Exchange)
    /// There is no answer: the function threw before it wrote one.
    func exchangeFailed(_ exchange: Exchange, _ error: any Error)
    func abort()
    /// The same with a TCP reset.
    func reset()
}
