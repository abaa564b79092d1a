/// What a proxy shall do: listen somewhere, and pass what is under a path on to a Freshet server.
@available(freshet 0.1, *)
package struct ProxySite: Sendable, Equatable {
    package let listen: ListenAddress
    package let upstream: UpstreamURL
    package let path: PathPrefix

    package init(listen: ListenAddress, upstream: UpstreamURL, path: PathPrefix) {
        self.listen = listen
        self.upstream = upstream
        self.path = path
    }
}
