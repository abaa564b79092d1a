import NIOCore
import NIOSSL

@available(freshet 0.1, *)
extension ChannelHandlerContext {
    /// Closes the connection without the end that TLS says after something whole, and that it would wait for.
    func closeBelowTLS() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (tls ?? self).close(promise: nil)
    }
}
