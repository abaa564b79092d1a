import ArgumentParser
import EventSource
import Foundation
import ProbeProtocol
import ProxyDoctor

/// `freshet doctor`: what stands between a client and a server, and which line mends it.
@available(freshet 0.1, *)
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out what buffers, cuts or compresses streams on the way.",
        discussion: """
            Sends streams of known events through everything between here and the server, and reports what happens to them: in \
            which layer, with the evidence, and the setting that fixes it. The server must be a Freshet server with its probe \
            (setting 'probe'), or 'freshet doctor --listen' behind the proxy. For any other stream of events or NDJSON, give its \
            own URL: the doctor then judges what it can see from outside.

            EXAMPLES
              freshet doctor https://app.example/
              freshet doctor https://app.example/ --origin http://10.0.0.5:4437 --idle 65
              freshet doctor https://app.example/events --watch 60
              freshet doctor https://app.example/v1/chat --method POST --data request.json
              freshet doctor --listen 127.0.0.1:9000
              freshet doctor --print-token --key FILE
              freshet doctor --json URL | jq -r '.verdict, .findings[].code'

            JSON
              {"url", "verdict", "summary", "findings": [{"code", "severity", "layer", "evidence", "remedy", \
            "figures": {}}], ...}. The verdict is LIVE, INCONCLUSIVE or the code of the worst fault. A severity is \
            'fault', 'warning' or 'good'. docs/doctor.md lists the codes and their figures.

            EXIT STATUS
              0  events arrive as they are sent
              1  a fault was found; with --strict also for a warning
              2  nothing could be examined: no connection, no HTTP, neither probe nor stream, no valid token
              3  inconclusive: the control was late itself
             64  wrong usage
             74  the output cannot be written
            """
    )

    @Argument(help: "A URL of the server as its clients reach it. With --listen, the HOST:PORT to listen on.")
    var url: String?

    @Option(
        help: ArgumentHelp(
            "A URL that reaches the same server without the proxy, to compare delays with.",
            valueName: "url"
        )
    )
    var origin: String?

    @Option(
        help: ArgumentHelp(
            "Also keep a silent and a busy stream open for this long, to find timeouts.",
            valueName: "seconds"
        )
    )
    var idle: Int?

    @Option(
        help: ArgumentHelp(
            "Without a probe, how long to observe the stream itself; at least --idle.",
            valueName: "seconds"
        )
    )
    var watch = 15

    @Option(
        name: .customLong("header"),
        help: ArgumentHelp(
            "A header field to send with every request; can be repeated.",
            valueName: "name: value"
        )
    )
    var headers: [String] = []

    @Option(
        help: ArgumentHelp(
            "Send one request with this method, such as POST, to the URL itself, and examine the response.",
            valueName: "method"
        )
    )
    var method = "GET"

    @Option(
        help: ArgumentHelp(
            "The body of that request, sent as application/json unless --header names another type.",
            valueName: "file"
        )
    )
    var data: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Exit with 1 for warnings too.")
    var strict = false

    @Option(
        help: ArgumentHelp(
            "A token for the probe, also read from FRESHET_TOKEN. With a key, the doctor makes one.",
            valueName: "token"
        )
    )
    var token: String?

    @Flag(help: "Accept any certificate.")
    var insecure = false

    @Flag(name: .customLong("http1"), help: "Do not offer HTTP/2 through TLS.")
    var http1 = false

    @Flag(help: "Run an origin that serves only the probe, to put behind a proxy.")
    var listen = false

    @Flag(help: "Print a token for the probe of a server that has this key, and exit.")
    var printToken = false

    @OptionGroup var options: ClientOptions

    func validate() throws {
        if let idle, !(1...890).contains(idle) { throw ValidationError("--idle is a number of seconds from 1 to 890.") }
        if !(1...890).contains(watch) { throw ValidationError("--watch is a number of seconds from 1 to 890.") }
        _ = try headerFields()
        guard !method.isEmpty, method.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            throw ValidationError("--method is a method such as POST, in capitals.")
        }
        if method == "GET", data != nil { throw ValidationError("--data needs --method POST.") }
        if method != "GET", origin != nil || idle != nil {
            throw ValidationError(
                "--origin and --idle read one stream several times, and each \(method) would start another: omit them."
            )
        }
        _ = try body()
        guard !listen, !printToken else { return }
        guard let url else { throw ValidationError("Give the URL of a server, or --listen.") }
        for text in [url, origin].compactMap(\.self) where ServerAddress(url: text) == nil {
            throw ValidationError(URLTrouble.describe(text, example: "https://app.example/") + ".")
        }
        // It would be in the report, and nothing would be done with it.
        for text in [url, origin].compactMap(\.self) where URL(string: text)?.user() != nil {
            throw ValidationError(
                "A URL must not contain a user name and password; use --header 'Authorization: Basic ...' instead."
            )
        }
    }

    func run() async throws {
        if printToken { return try printOneToken() }
        if listen { return try await DoctorOrigin(address: url).run() }
        try await examine()
    }

    private func printOneToken() throws {
        guard let key = try options.bearerKey() else {
            throw ValidationError(
                "A token is signed with one of the server's keys: pass --key FILE, or set FRESHET_KEY."
            )
        }
        let token = ProbeToken.issue(bearer: key, now: Int64(Date().timeIntervalSince1970))
        try Terminal.write(Array("\(token)\n".utf8))
    }

    private func probeToken() throws -> String? {
        if let given = token ?? ProcessInfo.processInfo.environment["FRESHET_TOKEN"], !given.isEmpty {
            guard given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw ValidationError("The token has characters that no header field may have.")
            }
            return given
        }
        return try options.bearerKey().map { ProbeToken.issue(bearer: $0, now: Int64(Date().timeIntervalSince1970)) }
    }

    private func headerFields() throws -> [ResponseHead.Field] {
        try headers.map { text in
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].utf8
            let isName = !name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard parts.count == 2, isName, parts[1].utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw ValidationError("--header is 'NAME: VALUE', and '\(text)' is not.")
            }
            return ResponseHead.Field(
                parts[0].lowercased(),
                String(parts[1].drop { $0 == " " })
            )
        }
    }

    private func examine() async throws {
        guard let url, let server = ServerAddress(url: url) else { throw DoctorStatus.failed.code }
        let direct = origin.flatMap { ServerAddress(url: $0) }
        let client = try MeasuringClient(
            isSecure: server.isSecure || direct?.isSecure == true,
            verifies: !insecure,
            trusting: try options.trust.authorities(),
            offersHTTP2: !http1
        )
        let clock = ContinuousClock()
        let begun = clock.now
        if method != "GET" {
            let report = try await lookFromOutside(url, client, instead: nil)
            return try tell(report, seconds: (clock.now - begun) / .seconds(1))
        }
        var fields = try headerFields()
        if let token = try probeToken() { fields.append(ResponseHead.Field(ProbePaths.tokenField.lowercased(), token)) }
        let examiner = Examiner(client: client, server: server, origin: direct, fields: fields)
        var examinationOptions = Examination.Options(prefix: String(UInt64.random(in: 1 << 40...1 << 60), radix: 36))
        examinationOptions.hasOrigin = direct != nil
        examinationOptions.idleSeconds = idle
        var examination = Examination(options: examinationOptions)
        while let step = examination.next() {
            Terminal.progress("\(step.title) ...")
            examination.record(await examiner.perform(step))
        }
        Terminal.progress("")
        if let trouble = DoctorTrouble(examination.findings, server: server, origin: direct) {
            guard trouble.isWithoutProbe else {
                Terminal.note(trouble.description)
                throw DoctorStatus.failed.code
            }
            let report = try await lookFromOutside(url, client, instead: trouble)
            return try tell(report, seconds: (clock.now - begun) / .seconds(1))
        }
        try tell(examination.report(url: url, origin: origin), seconds: (clock.now - begun) / .seconds(1))
    }

    /// - Parameter trouble: why there is no probe, where that was looked for.
    /// - Throws: The status to exit with where the URL is not one of a stream, after telling what it is.
    private func lookFromOutside(
        _ url: String,
        _ client: MeasuringClient,
        instead trouble: DoctorTrouble?
    ) async throws -> Report {
        guard let server = ServerAddress(resource: url) else { throw DoctorStatus.failed.code }
        let (fields, body) = (try headerFields(), try body())
        let direct = origin.flatMap { ServerAddress(resource: $0) }
        let examiner = OutsideExaminer(
            client: client,
            server: server,
            origin: direct,
            fields: fields,
            method: method,
            body: body
        )
        let seconds = max(watch, idle ?? 0)
        Terminal.progress("looking at the stream for \(seconds) s ...")
        var evidence = await examiner.read(seconds: seconds)
        Terminal.progress("")
        // One that is held whole has not even a head.
        guard evidence.plain.isStream || (evidence.plain.head == nil && evidence.direct?.isStream == true) else {
            let own = DoctorTrouble.outside(evidence.plain, url, method: method)
            let none = trouble?.description ?? Self.silence(evidence.plain, "\(method) \(url)")
            Terminal.note(trouble?.isFreshets == true ? none : own ?? none)
            throw DoctorStatus.failed.code
        }
        if method != "GET" { return OutsideDiagnosis(evidence).report(url: url, origin: nil) }
        Terminal.progress("reading it again from the middle ...")
        evidence = await examiner.resume(evidence, seconds: min(seconds, 5))
        Terminal.progress("")
        return OutsideDiagnosis(evidence).report(url: url, origin: origin)
    }

    /// What is said of a request without a head that tells more.
    private static func silence(_ reading: OutsideReading, _ request: String) -> String {
        if let head = reading.head { return "\(request) was answered \(head.status): there is nothing at that URL." }
        switch reading.end {
        case .unreachable(let why): return "no connection to \(request): \(why)"
        case .torn(let why): return "\(request) was not answered as an HTTP server does: \(why)"
        default: return "\(request) was not answered in time; --watch SECONDS waits longer."
        }
    }

    private func body() throws -> [UInt8]? {
        guard let data else { return method == "GET" ? nil : [] }
        guard let found = FileManager.default.contents(atPath: data) else {
            throw ValidationError("The file of --data, '\(data)', cannot be read.")
        }
        return Array(found)
    }

    private func tell(_ report: Report, seconds: Double) throws {
        let bytes =
            json
            ? JSONReport.bytes(report, seconds: seconds)
            : Array(TextReport(width: Terminal.columns).text(report).utf8)
        try Terminal.write(bytes)
        let status: DoctorStatus =
            switch report.verdict {
            case .live: strict && report.findings.contains { $0.severity == .warning } ? .found : .live
            case .fault: .found
            case .inconclusive: .inconclusive
            case .failed: .failed
            }
        if status != .live { throw status.code }
    }
}
