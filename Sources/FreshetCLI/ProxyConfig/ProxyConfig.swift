import ArgumentParser
import ProxyConfiguration

/// `freshet proxy-config`: the configuration of a proxy in front of a server.
@available(freshet 0.1, *)
struct ProxyConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy-config",
        abstract: "Print the configuration of a proxy that lets streams through.",
        discussion: """
            Prints a complete, commented configuration for readers and for streaming producers: nothing is buffered, compressed \
            or cut. Tell the server the URL that clients use: freshet serve --public-url https://app.example \
            --connections-per-address 0.

              freshet proxy-config --list
              freshet proxy-config nginx --upstream http://127.0.0.1:4437 --path /v1/ > freshet.conf
            """
    )

    @Argument(
        help: ArgumentHelp("The proxy: \(Proxy.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name")
    )
    var name: String?

    @Option(help: ArgumentHelp("URL at which the proxy reaches the server.", valueName: "url"))
    var upstream = StreamURL.defaultServer

    @Option(
        help: ArgumentHelp(
            "Pass on everything under this path. A prefix that is not the server's own, such as /live in /live/v1/, is "
                + "stripped.",
            valueName: "prefix"
        )
    )
    var path = "/v1/"

    @Option(help: ArgumentHelp("Where the proxy listens: a port, or host:port.", valueName: "address"))
    var listen = "8080"

    @Flag(help: "List the proxies, and what goes wrong with the default configuration of each.")
    var list = false

    func validate() throws {
        if list {
            guard name == nil else { throw ValidationError("--list takes no proxy name: it lists all proxies.") }
        } else {
            _ = try configured()
        }
    }

    func run() throws {
        try Terminal.write(Array((list ? ProxyList.text() : try configured()).utf8))
    }

    private func configured() throws -> String {
        guard let name else {
            throw ValidationError("Name a proxy, or list them with --list.")
        }
        guard let proxy = Proxy(named: name) else {
            throw ValidationError(
                "There is no configuration for '\(name)', only for: "
                    + "\(Proxy.allCases.map(\.rawValue).joined(separator: ", ")). docs/proxies.md has more."
            )
        }
        return proxy.configuration(for: try site())
    }

    private func site() throws -> ProxySite {
        do {
            let listen = try ListenAddress(listen)
            let upstream = try UpstreamURL(upstream)
            return ProxySite(listen: listen, upstream: upstream, path: try PathPrefix(path))
        } catch {
            throw ValidationError(error.description)
        }
    }
}
