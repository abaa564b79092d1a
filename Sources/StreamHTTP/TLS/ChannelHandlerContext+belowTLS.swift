import NIOCore
import NIOSSL

extension ChannelHandlerContext {
    /// Closes the connection without the end that TLS says after something whole, and that it would wait for.
    func closeBelowTLS() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (tls ?? self).close(promise: nil)
    }
}
