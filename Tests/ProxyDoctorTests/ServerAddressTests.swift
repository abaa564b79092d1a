import Testing

@testable import ProxyDoctor

@Suite struct ServerAddressTests {
    @Test func `The probe is looked for where the server is, whichever of its URLs is given`() throws {
        let address = try #require(ServerAddress(url: "https://[::1]:8443/below/v1/stream/x?offset=-1"))
        #expect(address == ServerAddress(isSecure: true, host: "::1", port: 8443, basePath: "/below"))
        #expect(ServerAddress(url: "http://h")?.port == 80)
        #expect(ServerAddress(resource: "http://h:65535/a?b=c")?.basePath == "/a?b=c")
    }

    @Test(arguments: [
        "http://h:65536/", "http://h:0/", "http://[::1]:99999", "https://h:99999999999999999999/", "ftp://h/", "h:80",
        "",
    ])
    func `What cannot be connected to is no address`(url: String) {
        #expect(ServerAddress(url: url) == nil)
        #expect(ServerAddress(resource: url) == nil)
    }
}
