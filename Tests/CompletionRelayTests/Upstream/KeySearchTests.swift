import NIOHTTP1
import StreamHTTP
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("A key of this server")
struct KeySearchTests {
    private static let keys = ["a-key-of-sixteen-or-more", "k3y==", "~k.e_y+/"]

    private func finds(_ text: String) -> Bool {
        var search = KeySearch { Self.keys.contains($0) }
        return search.finds(in: text.utf8)
    }

    @Test("is found in whichever way it is written", arguments: Self.keys)
    func found(key: String) {
        let encoded = key.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let base64 = { (text: String) in String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self) }
        for text in [
            key, "Bearer \(key)", "token=\(key)", "a, \"\(key)\";q=1", "{\"k\":\"\(key)\"}", "prefix.\(key)",
            "x/\(key)/y",
            "\(key).sig", "?a=b&key=\(key)&c", encoded, encoded.replacing("%", with: "%25"),
            "Basic " + base64("u:\(key)"),
            base64("ü\(key) "), base64("\(key)"), base64(base64("u:\(key)")), base64("u:\(encoded)"),
            base64("\(key)\n"), base64("u:\(key)\r\n"), base64("\0u\0\(key)"), "token=\(base64(key))",
            "?a=b&k=\(base64("u:\(key)"))&c", "header.\(base64(key)).signature", "https://h/x/\(base64(key))",
            "a-b_\(base64("\(key)\n"))", base64("k=\(base64(key))"),
        ] {
            #expect(finds(text), "\(text)")
        }
    }

    @Test("is found in what is no text, and behind backslashes")
    func binary() {
        let befores: [[UInt8]] = [[1], [], [10, 24], [127, 255, 1]]
        let afters: [[UInt8]] = [[], [1], [16, 1], [0]]
        for (before, after) in zip(befores, afters) {
            let message: [UInt8] = before + Array(Self.keys[0].utf8) + after
            #expect(finds(String(decoding: Base64.encode(message), as: UTF8.self)), "\(message)")
        }
        #expect(finds("x=\"\(Self.keys[0].replacing("-", with: "\\-"))\""))
        #expect(finds("{\"k\":\"\(Self.keys[2].replacing("/", with: "\\/"))\"}"))
    }

    @Test("is found as a part of a word, however many parts a token is made of itself")
    func token() {
        let token = "eyJh.\(String(repeating: "a-", count: 40))b.c_d"
        for text in ["prefix.\(token)", "\(token).sig", "a/\(token)/b", "Bearer \(token)"] {
            var search = KeySearch { $0 == token }
            let isFound = search.finds(in: text.utf8)
            #expect(isFound, "\(text)")
        }
    }

    @Test("costs no more for words that may be tokens, however long and many they are")
    func longTokens() {
        var bytes = 0
        var search = KeySearch { word in
            bytes += word.utf8.count
            return false
        }
        let claims = String(repeating: "e", count: 8000)
        let found = search.finds(in: "eyJh.\(claims).\(String(repeating: "e-", count: 4000))".utf8)
        #expect(found)
        #expect(bytes < 5_000_000)
    }

    @Test("is not found where it is not")
    func absent() {
        for text in [
            "", "Bearer sk-proj-0123456789", "a-key-of-sixteen-or-mor", "OpenAI/Python 1.50.0", "%", "%zz",
            "application/json; charset=utf-8", "prompt-caching-2024-07-31,files-api-2025-04-14", "====",
            "a-key-of-sixteen-or-more2",
        ] {
            #expect(!finds(text), "\(text)")
        }
    }

    @Test("counts as found in what has too many words to look at")
    func bounded() {
        var looked = 0
        var search = KeySearch { _ in
            looked += 1
            return false
        }
        let found = search.finds(in: String(repeating: "-a", count: 100_000).utf8)
        #expect(found)
        #expect(looked == 10_000)
    }

    @Test("is not said to be in the URL for what there is to look at in the fields")
    func manyWords() {
        let joints = String(repeating: "a.", count: 4000)
        let request = request(["X-Long": joints, "X-Longer": joints + joints])
        #expect(!request.targetHoldsKey)
    }

    @Test("is not said to be in a field for what there is to look at in another")
    func manyWordsElsewhere() {
        let joints = String(repeating: "ab.", count: 900)
        let request = request(["X-Long": joints, "Authorization": "Bearer theirs", "X-Longer": joints, "X-A": "1"])
        #expect(Array(request.headers).map(\.name) == ["Authorization", "X-A"])
        #expect(!request.credentialIsOurs)
    }

    @Test("is looked for in so many words only, however many fields have them")
    func boundedInAllFields() {
        var looked = 0
        let fields = (0..<50).map { ("X-\($0)", String(repeating: "ab.", count: 900)) }
        let request = RelayRequest(
            method: "GET",
            path: "/models",
            headers: HTTPHeaders(fields),
            baseURL: "",
            isOurs: { _ in
                looked += 1
                return false
            }
        )
        #expect(request.headers.isEmpty)
        #expect(looked > 20_000 && looked <= 40_000)
    }

    @Test("is not found in the tokens of others, however long")
    func tokens() {
        // As large as Entra's or Google's, of a header, claims and a signature in base64 for URLs.
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let signature = Base64.urlText((0..<512).map { _ in UInt8.random(in: 0...255, using: &random) })
            let claims = Base64.urlText(
                Array((0..<300).map { "\"claim-\($0)\":\"v\($0)\"" }.joined(separator: ",").utf8)
            )
            #expect(!finds("Bearer eyJhbGciOiJSUzI1NiJ9.\(claims).\(signature)"))
        }
    }

    @Test("is in no field of a request that may go on, and a provider's is")
    func request() {
        let headers: HTTPHeaders = [
            "Authorization": "Bearer k3y==", "x-api-key": "theirs", "X-Other": "k3y==", "Freshet-Key": "k3y==",
            "X-A": "1",
        ]
        let request = self.request(headers)
        #expect(Array(request.headers).map(\.name) == ["x-api-key", "Freshet-Key", "X-A"])
        #expect(!request.credentialIsOurs && !request.targetHoldsKey)
        #expect(self.request(["Freshet-Key": "k3y==", "Authorization": "Bearer k3y=="]).credentialIsOurs)
        #expect(!self.request(["Freshet-Key": "k3y=="]).credentialIsOurs)
        #expect(self.request([:], query: "?key=k3y%3d%3D").targetHoldsKey)
    }

    @Test("tells callers apart, but not by a token that is another each time")
    func renewedToken() {
        func credential(_ signature: String, key: String = "theirs", token: String?) -> String {
            RelayRequest(
                method: "GET",
                path: "/models",
                headers: ["Authorization": "Bearer a.b.\(signature)", "x-api-key": key],
                baseURL: "",
                caller: "issuer#user",
                token: token
            ).credential
        }
        let first = credential("c", token: "a.b.c")
        #expect(credential("d", token: "a.b.d") == first)
        #expect(credential("c", key: "another", token: "a.b.c") != first)
        #expect(credential("c", token: nil) != first)
        #expect(credential("d", token: "a.b.c") != first)
    }

    private func request(_ headers: HTTPHeaders, query: String = "") -> RelayRequest {
        RelayRequest(
            method: "GET",
            path: "/models",
            query: query,
            headers: headers,
            baseURL: "",
            caller: "app",
            isOurs: { Self.keys.contains($0) }
        )
    }
}
