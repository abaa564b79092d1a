import Foundation
import ProxyDoctor

/// Why there was nothing to examine.
@available(freshet 0.1, *)
struct DoctorTrouble: CustomStringConvertible {
    let description: String
    /// Whether there is a server, and only its probe is missing: then the stream itself can be looked at.
    let isWithoutProbe: Bool
    /// Whether a Freshet server says so itself, of itself: not only that there is nothing below the URL.
    let isFreshets: Bool

    /// Nil when the probe answered, on both ways where there are two.
    init?(_ evidence: Evidence, server: ServerAddress, origin: ServerAddress?) {
        if let trouble = Self.trouble(evidence.times(.proxied), server) {
            description = trouble
            isFreshets = evidence.times(.proxied).first.flatMap { Self.problem($0.body) }?.isOfServer ?? false
            isWithoutProbe = evidence.times(.proxied).contains { $0.head != nil }
        } else if let origin, let trouble = Self.trouble(evidence.times(.direct), origin) {
            description = "the control: \(trouble)"
            isFreshets = false
            isWithoutProbe = false
        } else {
            return nil
        }
    }

    private static func trouble(_ times: [TimeObservation], _ server: ServerAddress) -> String? {
        guard !times.contains(where: { $0.report != nil }), let first = times.first else { return nil }
        let place = server.description
        switch first.end {
        case .unreachable(let why): return "no connection to \(place): \(why)"
        case .torn(let why) where first.head == nil: return "\(place) did not answer as an HTTP server does: \(why)"
        case .open where first.head == nil: return "\(place) took the request and did not answer within 10 s"
        default: break
        }
        guard let head = first.head else { return "\(place) did not answer" }
        if let detail = problem(first.body), detail.isFreshets {
            return "\(place): \(detail.title): \(detail.detail) (\(head.status))"
        }
        switch head.status {
        case 200, 404, 405:
            return
                "there is neither a stream of events or NDJSON there nor a probe of Freshet below \(place) (GET \(place)/v1/probe/time was answered \(head.status)). "
                + "Give the URL below which the proxy has the server, or put `freshet doctor --listen` behind the proxy."
        case 502, 503, 504:
            return "\(place)/v1/probe/time was answered \(head.status): the proxy does not reach its server."
        case 401, 407:
            return "\(place)/v1/probe/time was answered \(head.status): give what it asks for, such as --header "
                + "'Authorization: ...'."
        case 429:
            return "\(place)/v1/probe/time was answered 429: somebody there limits requests. Try again later."
        case 300..<400:
            return "\(place)/v1/probe/time was answered \(head.status), "
                + "to \(head["location"] ?? "nowhere"): give the URL that it leads to."
        default:
            return "\(place)/v1/probe/time was answered \(head.status)."
        }
    }

    private struct Problem: Decodable {
        var type: String
        var title: String
        var detail: String

        var isFreshets: Bool { type.hasPrefix("urn:freshet:") }

        /// Whether it is about the server or its probe, rather than about the path that was asked for.
        var isOfServer: Bool {
            let ofPaths = ["no-such-path", "no-such-stream", "stream-deleted", "bad-name", "method-not-allowed"]
            return isFreshets && !ofPaths.contains { type == "urn:freshet:" + $0 }
        }
    }

    private static func problem(_ body: String) -> Problem? {
        try? JSONDecoder().decode(Problem.self, from: Data(body.utf8))
    }
}
