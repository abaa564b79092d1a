import Testing

@testable import RedisStreamStore

@Suite("The URL of a Redis")
struct RedisURLTests {
    @Test("names host, port, database, user and password")
    func parts() throws {
        let plain = try RedisURL("redis://localhost")
        #expect(plain.host == "localhost" && plain.port == 6379 && plain.database == 0 && !plain.isSecure)
        #expect(plain.user == nil && plain.password == nil)
        let full = try RedisURL(
            "REDISS://us%40er:p%3Aa%2Fs%40s:%C3%A4@redis-1.example.com:7000/15?ca=/etc/my%20ca.pem&cert=c&key=k"
        )
        #expect(full.host == "redis-1.example.com" && full.port == 7000 && full.database == 15 && full.isSecure)
        #expect(full.user == "us@er" && full.password == "p:a/s@s:ä")
        #expect(full.ca == "/etc/my ca.pem" && full.certificate == "c" && full.key == "k")
        let six = try RedisURL("redis://:secret@[fe80::1%eth0]:1/")
        #expect(six.host == "fe80::1%eth0" && six.port == 1 && six.user == nil && six.password == "secret")
        #expect(try RedisURL("redis://[::1]").port == 6379)
        // An @ in a password that nobody has escaped, and an empty user info.
        #expect(try RedisURL("redis://a:b@c@host").password == "b@c")
        #expect(try RedisURL("redis://@host").password == nil)
        #expect(try RedisURL("redis://:@host").password == nil)
        // Of which the password comes from elsewhere.
        let user = try RedisURL("redis://me@host")
        #expect(user.user == "me" && user.password == nil)
    }

    @Test("is shown without its secrets")
    func shown() throws {
        let url = try RedisURL("rediss://me:secret@[::1]:7000/2")
        #expect("\(url)" == "rediss://[::1]:7000/2" && "\(RedisConfiguration(url))".contains("secret") == false)
        #expect(String(reflecting: url).contains("secret") == false)
        #expect("\(try RedisURL("redis://me:secret@host"))" == "redis://host:6379")
    }

    private static let wrong: [(text: String, words: String)] = [
        ("", "redis://HOST"), ("secret", "redis://HOST"), ("http://secret", "redis://HOST"),
        ("redis:secret", "redis://HOST"), ("redis:/secret", "redis://HOST"),
        ("redis-sentinel://secret", "Sentinel is not supported yet"),
        ("redis+sentinel://secret", "Sentinel is not supported yet"),
        ("rediss-sentinel://secret", "Sentinel is not supported yet"),
        ("redis-cluster://secret", "Cluster is not supported yet"),
        ("valkey://secret", "redis://"), ("valkeys://secret", "rediss://"),
        ("redis://", "host is missing"), ("redis:///0", "host is missing"), ("redis://:6379", "host is missing"),
        ("redis://me:secret@", "host is missing"),
        ("redis://secret:@host", "password is empty"), ("redis://me:secret%@host", "the password has a %"),
        ("redis://me:%FF@host", "the password has a %"), ("redis://secret%4:a@host", "the user has a %"),
        ("redis://host:", "the port is no number"), ("redis://host:0", "the port is no number"),
        ("redis://host:65536", "the port is no number"), ("redis://host:+80", "the port is no number"),
        ("redis://host:99999999999999999999", "the port is no number"),
        // A password that begins a path: what looks like the port is a part of it.
        ("redis://me:secret/more@host", "written %2F"), ("redis://me:secret?more@host", "written %2F"),
        ("redis://me:secret#more@host", "written %23"), ("redis://ho st", "no spaces"),
        ("redis://host\u{0}", "no spaces"),
        ("redis://hö", "characters that no name has"), ("redis://%61", "characters that no name has"),
        ("redis://[::1", "ends with ]"), ("redis://[]", "no IPv6"), ("redis://[secret]", "no IPv6"),
        ("redis://[::1]secret", "stands its port"), ("redis://[::1]:secret", "the port is no number"),
        ("redis://host/secret", "number of a database"), ("redis://host/0/1", "number of a database"),
        ("redis://host/-1", "number of a database"), ("redis://host/99999999999", "number of a database"),
        ("redis://host?ca=x", "write rediss://"), ("rediss://host?ca", "needs a file"),
        ("rediss://host?ca=", "needs a file"),
        ("rediss://host?secret=1", "and no other"), ("rediss://host?cert=a", "needs its key"),
        ("rediss://host?key=a", "its certificate"), ("rediss://host?ca=%zz", "the option ca has a %"),
    ]

    @Test("is refused in words that say what is wrong, and nothing that could be a secret", arguments: wrong.indices)
    func refused(_ index: Int) {
        let (text, words) = Self.wrong[index]
        let error = #expect(throws: RedisURLError.self) { try RedisURL(text) }
        let said = error?.description ?? ""
        #expect(said.contains(words), "\(said)")
        #expect(!said.contains("secret") && !said.contains("more"), "\(said)")
    }
}
