import Testing

@testable import StreamHTTP

@Suite("Networks of addresses")
struct IPNetworkTests {
    @Test(
        "what is written reads back as what it means",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"), ("192.0.2.129/25", "192.0.2.128/25"), ("FD00::1/8", "fd00::/8"),
            ("::1", "::1"), ("::1/128", "::1"), ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:0:0:0:0:0:1/127", "2001:db8::/127"), ("0.0.0.0/1", "0.0.0.0/1"),
        ]
    )
    func forms(text: String, shown: String) throws {
        let network = try #require(IPNetwork(parsing: text))
        #expect(network.description == shown && IPNetwork(parsing: shown) == network)
        #expect(!network.isEverybody)
    }

    @Test(
        "what is none is refused",
        arguments: [
            "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.256",
            "010.0.0.1", "fd00::/129", "fd00::/1280", "[::1]", "::1%lo", "fe80::1%25lo", "localhost", "*",
            "10.0.0.1:80",
            " 10.0.0.1", "10.0.0.1\0", "10.0.0.0/٨",
        ]
    )
    func refused(text: String) { #expect(IPNetwork(parsing: text) == nil) }

    @Test("what is in one", arguments: ["10.0.0.0/8", "::ffff:10.0.0.0/104"])
    func contains(text: String) throws {
        let network = try #require(IPNetwork(parsing: text))
        for (address, isIn) in [
            ("10.0.0.0", true), ("10.255.255.255", true), ("::ffff:10.1.2.3", true), ("9.255.255.255", false),
            ("11.0.0.0", false), ("::10.0.0.1", false), ("::1", false),
        ] {
            #expect(network.contains(try #require(IPAddress(parsing: address))) == isIn, "\(address)")
        }
    }

    @Test("bits count within a byte")
    func bits() throws {
        let network = try #require(IPNetwork(parsing: "192.0.2.64/26"))
        let found = (0...255).filter { last in
            IPAddress(parsing: "192.0.2.\(last)").map { network.contains($0) } ?? false
        }
        #expect(found == Array(64...127))
    }

    @Test("everybody", arguments: ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"])
    func everybody(text: String) throws { #expect(try #require(IPNetwork(parsing: text)).isEverybody) }
}
