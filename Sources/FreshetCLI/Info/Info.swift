import ArgumentParser
import NIOHTTP1
import PrintableText

/// `freshet info`: one stream's description.
@available(freshet 0.1, *)
struct Info: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a server knows about a stream.",
        discussion: """
            EXAMPLES
              freshet info answer
              freshet info answer --json | jq .readers

            EXIT STATUS
              0  shown
              1  the server refused
              6  there is no such stream
              7  no connection
             64  wrong usage
             74  the output cannot be written
            """
    )

    @Argument(help: "The stream's URL, or its name on the server that FRESHET_URL names (\(StreamURL.defaultServer)).")
    var url: String

    @Flag(help: "Print one JSON object, as the server returns it.")
    var json = false

    @OptionGroup var options: ClientOptions

    func run() async throws {
        guard let url = try StreamURL(url).description else {
            throw ValidationError("'\(url)' is not a stream's URL; those have /v1/stream/ before the name.")
        }
        let response = try await options.client().response(.GET, url)
        let description = try JSONOutput.decode(StreamDescription.self, from: response, url)
        try Terminal.write(
            json ? JSONOutput.line(response.body) + [UInt8(ascii: "\n")] : Array(Self.block(description).utf8)
        )
    }

    /// Labels and values, one a line.
    static func block(_ stream: StreamDescription) -> String {
        var lines = [
            ("name", stream.name),
            ("type", stream.contentType),
            ("events", "\(stream.events)"),
            ("bytes", "\(stream.bytes)"),
            ("tail", stream.tail),
            ("readers", "\(stream.readers)"),
        ]
        if let end = stream.end {
            lines.append(("ended", end.reason + (end.detail.map { " (\($0))" } ?? "")))
        } else {
            lines.append(("ended", "no"))
        }
        if let producers = stream.producers { lines.append(("producers", "\(producers)")) }
        if let writers = stream.writers, !writers.isEmpty {
            lines.append(("written at", writers.joined(separator: ", ")))
        }
        if let lease = stream.lease {
            lines.append(("lease", "\(lease) s" + (stream.leaseRemaining.map { ", \($0) s left" } ?? "")))
        }
        if let expiresIn = stream.expiresIn {
            lines.append(("expires", "in \(expiresIn) s"))
        } else if let ttl = stream.expiry?.ttl {
            lines.append(("expires", "after \(ttl) s without a reader or a writer"))
        }
        if let source = stream.forkedFrom { lines.append(("fork of", source)) }
        if let relay = stream.relay {
            let first = relay.ttft.map { ", the first after \($0) ms" } ?? ""
            lines.append(("tokens", "\(relay.tokens)\(first); \(relay.unread) that nobody read as they came"))
            let between = [
                ("in the log", relay.logP50, relay.logP99), ("at the socket", relay.socketP50, relay.socketP99),
            ]
            .compactMap { place, p50, p99 in p50.flatMap { p50 in p99.map { "\(p50) and \($0) ms \(place)" } } }
            if !between.isEmpty { lines.append(("p50, p99", between.joined(separator: ", "))) }
        }
        return lines.map { label, value in
            label + String(repeating: " ", count: 11 - label.count) + PrintableText.escaped(value) + "\n"
        }.joined()
    }
}
