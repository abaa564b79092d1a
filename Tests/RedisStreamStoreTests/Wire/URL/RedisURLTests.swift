import Testing

@testable import RedisStreamStore

@Suite("The URL of a Redis")
struct RedisURLTests {
    @Test("names host, port, database, user and password")
    func parts() throws {
        let plain = try RedisURL("redis://localhost")
        #expect("\(plain.endpoints)" == "[localhost:6379]" && plain.masterName == nil)
        #expect(plain.database == 0 && !plain.isSecure)
        #expect(plain.user == nil && plain.password == nil)
        let full = try RedisURL(
            "REDISS://us%40er:p%3Aa%2Fs%40s:%C3%A4@redis-1.example.com:7000/15?ca=/etc/my%20ca.pem&cert=c&key=k"
        )
        #expect(full.endpoints == [RedisEndpoint(host: "redis-1.example.com", port: 7000)])
        #expect(full.database == 15 && full.isSecure)
        #expect(full.user == "us@er" && full.password == "p:a/s@s:ä")
        #expect(full.ca == "/etc/my ca.pem" && full.certificate == "c" && full.key == "k")
        let six = try RedisURL("redis://:secret@[fe80::1%eth0]:1/")
        #expect(six.endpoints == [RedisEndpoint(host: "fe80::1%eth0", port: 1)])
        #expect(six.user == nil && six.password == "secret")
        #expect(try RedisURL("redis://[::1]").endpoints == [RedisEndpoint(host: "::1", port: 6379)])
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

    @Test("names sentinels, and the master by their name for it")
    func sentinels() throws {
        let one = try RedisURL("redis-sentinel://s.example/mymaster")
        #expect(one.endpoints == [RedisEndpoint(host: "s.example", port: 26379)] && one.masterName == "mymaster")
        #expect(one.database == 0 && one.password == nil && one.sentinelPassword == nil && !one.isSecure)
        let full = try RedisURL(
            "rediss-sentinel://us:p%2Fa,ss@a:1,[::1]:2,10.0.0.1/my-master_1.x/15?sentinel-user=su&sentinel-password=s%26p&ca=c"
        )
        #expect(full.endpoints.map(\.description) == ["a:1", "[::1]:2", "10.0.0.1:26379"])
        #expect(full.masterName == "my-master_1.x" && full.database == 15 && full.isSecure && full.ca == "c")
        #expect(full.user == "us" && full.password == "p/a,ss")
        #expect(full.sentinelUser == "su" && full.sentinelPassword == "s&p")
        #expect("\(full)" == "rediss-sentinel://a:1,[::1]:2,10.0.0.1:26379/my-master_1.x/15")
        #expect(String(reflecting: full) == "\(full)")
        #expect(try "\(RedisURL("REDIS+Sentinel://a/m/"))" == "redis-sentinel://a:26379/m")
        // The same host of two ports is two of them.
        #expect(try RedisURL("redis-sentinel://a:1,a:2/m").endpoints.count == 2)
    }

    private static let wrong: [(text: String, words: String)] = [
        ("", "redis://HOST"), ("secret", "redis://HOST"), ("http://secret", "redis://HOST"),
        ("redis:secret", "redis://HOST"), ("redis:/secret", "redis://HOST"),
        ("redis-sentinel://secret", "know the master is missing"), ("redis-sentinel://", "sentinel is missing"),
        ("redis+sentinel://h/", "know the master is missing"), ("redis-sentinel:///m", "sentinel is missing"),
        ("rediss-sentinel://h//0", "know the master is missing"), ("redis-sentinel://a,/m", "sentinel is missing"),
        ("redis-sentinel://,a/m", "sentinel is missing"), ("redis-sentinel://a,,b/m", "sentinel is missing"),
        ("redis-sentinel://a,b:26379,b/m", "named twice"), ("redis-sentinel://a, b/m", "no spaces"),
        ("redis-sentinel://a;b/m", "characters that no name has"),
        ("redis-sentinel://a:x,b/m", "the port is no number"),
        ("redis-sentinel://a:0/m", "the port is no number"), ("redis-sentinel://:26379/m", "host is missing"),
        ("redis-sentinel://[::1,b/m", "ends with ]"), ("redis-sentinel://u:secret/more@a,b/m", "written %2F"),
        ("redis-sentinel://a/my%20secret", "letters, digits"), ("redis-sentinel://a/secret,b", "letters, digits"),
        ("redis-sentinel://secret/more@a/m", "letters, digits"), ("redis-sentinel://a/m/x", "number of a database"),
        ("redis-sentinel://a/m/0/1", "number of a database"), ("redis-sentinel://a/m/-1", "number of a database"),
        ("redis-sentinel://u:@a/m", "password is empty"), ("redis-sentinel://a/m?ca=x", "write rediss://"),
        ("redis-sentinel://a/m?sentinel-password=", "sentinel-password is empty"),
        ("redis-sentinel://a/m?sentinel-password", "sentinel-password is empty"),
        ("redis-sentinel://a/m?sentinel-user=", "sentinel-user is empty"),
        ("redis-sentinel://a/m?sentinel-password=%secret", "the option sentinel-password has a %"),
        ("redis-sentinel://a/m?password=secret", "and no other"),
        ("redis-sentinel://a/m?master=secret", "and no other"),
        ("redis://a?sentinel-password=secret", "is of sentinels"),
        ("redis://a?sentinel-user=secret", "is of sentinels"),
        ("redis://a,b/0", "several are sentinels"), ("redis://u:secret@a:1,b:2", "several are sentinels"),
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
