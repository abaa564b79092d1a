import Testing

@testable import StreamHTTP

@Suite("Where a request comes from, behind proxies")
struct TrustedProxiesTests {
    private static let proxy = "10.0.0.1"
    private static let client = "192.0.2.7"
    private let proxies: TrustedProxies

    init() throws {
        proxies = TrustedProxies(
            [try #require(IPNetwork(parsing: "10.0.0.0/8")), try #require(IPNetwork(parsing: "fd00::/8"))]
        )
    }

    private func sender(_ fields: [(String, String)], from peer: String = proxy) -> String {
        proxies.sender(of: RequestFields(fields), from: peer)
    }

    @Test("the word of a peer that is no trusted proxy never counts")
    func spoofed() {
        for name in ["X-Forwarded-For", "Forwarded"] {
            for value in ["10.0.0.9", "for=10.0.0.9", "127.0.0.1", "for=127.0.0.1"] {
                for peer in [Self.client, "2001:db8::7", "11.0.0.1", "", "unknown"] {
                    #expect(sender([(name, value)], from: peer) == peer)
                }
            }
        }
    }

    @Test("without proxies nobody's word counts")
    func nobody() {
        let fields = RequestFields([("X-Forwarded-For", Self.client)])
        #expect(TrustedProxies([]).sender(of: fields, from: "127.0.0.1") == "127.0.0.1")
    }

    @Test(
        "of the older form the right-most address that is no trusted proxy's counts",
        arguments: [
            (["192.0.2.7"], client), (["192.0.2.7:4711"], client), (["[2001:db8::7]:4711"], "2001:db8::7"),
            (["2001:DB8::7"], "2001:db8::7"), (["[2001:db8::7]"], "2001:db8::7"),
            // What the client wrote stands before what the proxies did.
            (["198.51.100.1, 192.0.2.7"], client), (["198.51.100.1", "192.0.2.7"], client),
            (["10.0.0.8, 192.0.2.7, 10.0.0.2"], client), (["192.0.2.7,10.0.0.3", "fd00::2"], client),
            (["::ffff:192.0.2.7"], client),
            // All of them are proxies: the first began it.
            (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            // What is no address says nothing of who is behind the proxy that wrote it.
            (["unknown"], proxy), (["192.0.2.7, unknown"], proxy), (["192.0.2.7, , 10.0.0.2"], "10.0.0.2"),
            ([""], proxy),
            (["192.0.2.7, 999.0.0.1"], proxy), (["192.0.2.7, 10.0.0.2:"], proxy), (["192.0.2.7, [10.0.0.2"], proxy),
        ]
    )
    func older(values: [String], sender: String) {
        #expect(self.sender(values.map { ("X-Forwarded-For", $0) }) == sender)
    }

    @Test(
        "and so it is of the newer form",
        arguments: [
            (["for=192.0.2.7"], client), (["For=\"192.0.2.7:4711\";proto=https;by=10.0.0.1"], client),
            (["proto=https;for=\"[2001:db8::7]:4711\""], "2001:db8::7"),
            (["for=\"[2001:db8::7]:_port\""], "2001:db8::7"),
            (["for=198.51.100.1, for=192.0.2.7 , for=10.0.0.2"], client),
            (["for=198.51.100.1", "for=192.0.2.7"], client),
            (["for=192.0.2.7; proto=https"], client), (["for=198.51.100.1, , for=192.0.2.7"], client),
            (["for=\"192.0.2\\.7\""], client),
            (["for=_hidden"], proxy), (["for=unknown, for=10.0.0.2"], "10.0.0.2"), (["proto=https"], proxy),
            ([""], proxy),
            (["for=192.0.2.7;for=192.0.2.8"], proxy), (["for=2001:db8::7"], proxy), (["192.0.2.7"], proxy),
            // A client's quotation mark does not swallow what the proxy wrote, nor does it become an address.
            (["for=\"198.51.100.1, for=192.0.2.7"], proxy),
            (["for=198.51.100.1, for=\", for=\"[2001:db8::7]\""], proxy),
            (["for=\"198.51.100.1", "for=192.0.2.7"], client), (["for=192.0.2.7 for=10.0.0.2"], proxy),
        ]
    )
    func newer(values: [String], sender: String) {
        #expect(self.sender(values.map { ("Forwarded", $0) }) == sender)
    }

    @Test("a field that the proxy passes on as the client wrote it does not count against its own")
    func both() {
        let told = ("X-Forwarded-For", Self.client)
        #expect(sender([told, ("Forwarded", "for=198.51.100.1")]) == Self.proxy)
        #expect(sender([told, ("Forwarded", "for=192.0.2.7")]) == Self.client)
        #expect(sender([told]) == Self.client)
    }
}
