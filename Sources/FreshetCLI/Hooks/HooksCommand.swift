import ArgumentParser
import NIOHTTP1
import PrintableText

/// `freshet hooks`: whom a server tells of ends, and what they were not told yet.
@available(freshet 0.1, *)
struct HooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hooks",
        abstract: "Show a server's webhooks, and the calls that they have not taken.",
        discussion: """
            Prints each hook, and each call that is tried no more: a day has passed since the stream ended, or since somebody \
            told it again. With --waiting, the calls that are still tried too. FRESHET_URL names the server (default: \
            \(StreamURL.defaultServer)); where it has keys, yours needs the right inspect on *, and for --drop delete too.

            EXAMPLES
              freshet hooks
              freshet hooks --retry 17
              freshet hooks --json | jq -r 'select(.stream == "chat/42") | .number'

            EXIT STATUS
              0  shown, or done
              1  the server refused
              6  the server has no hooks, or no such call
              7  no connection
             64  wrong usage
             74  the output cannot be written
            """
    )

    @Flag(help: "Also the calls that are still tried.")
    var waiting = false

    @Flag(help: "Print one JSON object for each call, as the server returns it.")
    var json = false

    @Option(help: ArgumentHelp("Make this call now, and try it for another day.", valueName: "number"))
    var retry: [Int64] = []

    @Option(help: ArgumentHelp("Drop this call: nobody is told.", valueName: "number"))
    var drop: [Int64] = []

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard retry.allSatisfy({ $0 > 0 }), drop.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("A call is named by its number, which 'freshet hooks' prints.")
        }
        guard Set(retry).isDisjoint(with: drop) else {
            throw ValidationError("--retry and --drop name the same call; which of the two?")
        }
        guard !(json || waiting) || (retry.isEmpty && drop.isEmpty) else {
            throw ValidationError("--json and --waiting are for the list; --retry and --drop print none.")
        }
    }

    func run() async throws {
        let url = try StreamURL.server() + "/v1/hooks"
        let client = try options.client()
        guard retry.isEmpty, drop.isEmpty else {
            for number in retry { try await act(client, .POST, url, number, "is called now") }
            for number in drop { try await act(client, .DELETE, url, number, "is dropped") }
            return
        }
        try await list(client, url)
    }

    private func act(
        _ client: StreamClient,
        _ method: HTTPMethod,
        _ url: String,
        _ number: Int64,
        _ what: String
    ) async throws {
        let response = try await client.response(method, "\(url)/\(number)")
        // Something that answers 200 to everything has done nothing.
        guard response.status == 204 else {
            Terminal.note("\(url)/\(number) answered \(response.status), and a Freshet server answers 204")
            throw ExitStatus.refused.code
        }
        if Terminal.hasStandardError { Terminal.note("\(number) \(what)") }
    }

    private func list(_ client: StreamClient, _ url: String) async throws {
        var calls: [HookList.Call] = []
        var first: HookList?
        var cursor: String?
        repeat {
            var query = waiting ? "?limit=1000" : "?limit=1000&state=dead"
            if let cursor { query += "&cursor=\(cursor)" }
            let response = try await client.response(.GET, url + query)
            let page = try JSONOutput.decode(HookList.self, from: response, url)
            if json {
                for object in try JSONOutput.objects(in: response.body, under: "calls") {
                    try Terminal.write(object + [UInt8(ascii: "\n")])
                }
            }
            first = first ?? page
            calls += page.calls
            cursor = page.next
        } while cursor != nil
        guard !json, let first else { return }
        try Terminal.write(Array(HookList.text(first, calls).utf8))
    }
}
