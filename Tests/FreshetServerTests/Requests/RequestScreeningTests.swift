import NIOHTTP1
import Testing

@testable import FreshetServer
@testable import StreamHTTP

@Suite("What the head of every request is asked")
struct RequestScreeningTests {
    private func head(
        _ uri: String,
        method: HTTPMethod = .GET,
        _ fields: (String, String)...
    ) -> RequestHead {
        let headers = HTTPHeaders([("Host", "h:1")] + fields)
        return RequestHead(HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers))
    }

    private func problem(_ head: RequestHead) -> Problem? {
        do throws(Problem) {
            _ = try RequestScreening.screened(head)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "a field that stands once and comes twice is refused, whatever the case of its letters",
        arguments: [
            "Stream-Closed", "Stream-Cancel", "Stream-Lease", "Stream-TTL", "Stream-End-Detail", "Stream-Forked-From",
            "Producer-Id", "Producer-Seq", "Freshet-Key", "Freshet-On-Disconnect", "Last-Event-ID", "Idempotency-Key",
            "Content-Type", "Content-Length", "Authorization", "Origin", "Sec-Fetch-Site", "X-Api-Key", "Api-Key",
            "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "X-Auth-Token",
        ]
    )
    func repeated(name: String) {
        #expect(problem(head("/", (name, "1"))) == nil)
        let found = problem(head("/", (name, "1"), ("Accept", "*/*"), (name.lowercased(), "1")))
        #expect(found?.status == 400)
        #expect(found?.code == "repeated-header")
        #expect(found?.detail.contains("`\(name.lowercased())` may be sent once; it was sent 2 times") == true)
    }

    @Test("fields that are lists, and those of others, may come in parts")
    func lists() {
        for name in ["Accept", "If-None-Match", "Cookie", "X-Forwarded-Proto", "Streams", "Stream", "X-Stream-Closed"] {
            #expect(problem(head("/", (name, "a"), (name, "b"))) == nil, "\(name)")
        }
    }

    @Test("a yes that was joined from two is neither yes nor no", arguments: ["Stream-Closed", "Stream-Cancel"])
    func joined(name: String) {
        #expect(problem(head("/", (name, "true, true")))?.code == "bad-header")
        #expect(problem(head("/", (name, "yes"))) == nil)
    }

    @Test("the target's authority is the host that is asked, and takes the place of Host")
    func absolute() throws {
        let screened = try RequestScreening.screened(head("http://other:2/v1/a?b=c"))
        #expect(screened.uri == "/v1/a?b=c")
        #expect(screened.headers["host"] == ["other:2"])
        #expect(try RequestScreening.screened(head("HTTPS://[::1]")).uri == "/")
        #expect(try RequestScreening.screened(head("http://o?b")).uri == "/?b")
        #expect(try RequestScreening.screened(head("/http://o/")).headers["host"] == ["h:1"])
    }

    @Test(
        "a target that names no host, or somebody, or no server of HTTP is malformed",
        arguments: [
            "http://", "http:///a", "http://user@h/", "http://u:p@h/", "http://h:99999/", "http://h:x/", "http://a b/",
            "/a#b", "/a?b#", "#", "http://h/#a", "ftp://h/a", "rtsp://h/a", "ws://h/a", "a", "h:1", "*", "", "?a",
            "http:/h/a", "http://[::1/",
        ]
    )
    func malformed(uri: String) {
        #expect(problem(head(uri))?.code == "malformed-request")
    }

    @Test("an asterisk is for OPTIONS, and a tunnel is not dug")
    func others() {
        #expect(problem(head("*", method: .OPTIONS)) == nil)
        #expect(problem(head("*", method: .HEAD))?.status == 400)
        for target in ["h:1", "/v1/models", "http://h:1/", "*"] {
            #expect(problem(head(target, method: .CONNECT))?.status == 501)
        }
        #expect(problem(head("h:1", method: .OPTIONS))?.status == 400)
    }

    @Test("one Host, and one that names a host; another server may have taken it away")
    func hosts() {
        func flaw(_ hosts: String...) -> RequestFailure? {
            let headers = HTTPHeaders(hosts.map { ("Host", $0) })
            let parsed = HTTPRequestHead(version: .http1_1, method: .GET, uri: "http://h/", headers: headers)
            return HTTP1Syntax.flaw(of: RequestHead(parsed), parsed.version)
        }
        #expect(flaw() != nil)
        #expect(flaw("h:1") == nil)
        #expect(flaw("h:1", "h:1") != nil)
        #expect(problem(RequestHead(method: .GET, uri: "/")) == nil)
        #expect(problem(head("/", ("Host", "h:1")))?.status == 400)
        #expect(problem(RequestHead(method: .GET, uri: "/", authority: "a b"))?.status == 400)
    }

    @Test("a parameter of streams stands once, and others are their owner's affair")
    func parameters() {
        for name in ["offset", "live", "as", "when", "cursor", "prefix", "figures", "lastEventId", "last_event_id"] {
            for path in ["/v1/stream/a", "/v1/streams", "/v1/streams/a"] {
                #expect(SingleParameter.repeated(in: RequestTarget("\(path)?\(name)=1&x=1&\(name)=1")) == name)
                #expect(SingleParameter.repeated(in: RequestTarget("\(path)?\(name)=1&x=1&x=1")) == nil)
            }
            #expect(SingleParameter.repeated(in: RequestTarget("/other?\(name)=1&\(name)=1")) == nil)
        }
        #expect(SingleParameter.repeated(in: RequestTarget("/v1/streams?offset&%6Fffset")) == "offset")
        // Two spellings of one parameter.
        #expect(
            SingleParameter.repeated(in: RequestTarget("/v1/stream/a?last_event_id=&x=1&lastEventId=1"))
                == "lastEventId"
        )
        #expect(SingleParameter.repeated(in: RequestTarget("/v1/stream/a?last_event_id=1&lastEventID=2")) == nil)
    }
}
