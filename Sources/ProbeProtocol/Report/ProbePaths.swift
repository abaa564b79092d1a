/// Where the probe is, below the address of a server.
@available(freshet 0.1, *)
package enum ProbePaths {
    package static let stream = "/v1/probe"
    package static let time = "/v1/probe/time"
    package static let status = "/v1/probe/status"
    package static let upload = "/v1/probe/upload"

    /// The request field that carries a token.
    package static let tokenField = "Freshet-Probe"
    /// The field of a response that says that it is one of a probe: its nonce.
    package static let nonceField = "Stream-Probe"
}
