import ProxyDoctor

@available(freshet 0.1, *)
extension DoctorTrouble {
    /// What a URL itself answered that is no stream, and what to do about it; nil for 404, which says nothing but that
    /// there is nothing, and where no head came.
    static func outside(_ reading: OutsideReading, _ url: String, method: String) -> String? {
        guard let head = reading.head, head.status != 404 else { return nil }
        let request = method == "GET" ? url : "\(method) \(url)"
        let what = "\(request) was answered \(head.status)"
        switch head.status {
        case 204:
            return "\(what): it has nothing to read. Examine a stream that is being written."
        case 200..<300:
            return content(reading, head, what)
        case 300..<400:
            guard let location = head["location"] else {
                return "\(what), a redirect without a Location: mend the server or proxy that answers there."
            }
            return "\(what): it redirects to \(location). Give that URL; the doctor sends credentials nowhere else."
        case 401:
            let challenge = head["www-authenticate"].map { " (\($0))" } ?? ""
            return "\(what): it wants credentials\(challenge). Give them with --header 'Authorization: ...'."
        case 403:
            return "\(what): it refuses these credentials, or this client. Give what a reader sends with --header "
                + "'Authorization: ...' or --header 'Cookie: ...'."
        case 407:
            return "\(what): a proxy wants credentials. Give them with --header 'Proxy-Authorization: ...'."
        case 405:
            let allowed = head["allow"] ?? "another method"
            return "\(what): it takes \(allowed), not \(method)."
                + (method == "GET" ? " An endpoint for POST is examined with --method POST --data FILE." : "")
        case 429:
            return "\(what): it limits requests. Try again later."
        case 502:
            return "\(what): the proxy does not reach its server. Start that, or mend the address that the proxy has "
                + "of it."
        case 503:
            return "\(what): the server behind it is overloaded or stopped. Look at its log, and try again."
        case 504:
            return "\(what): the server behind the proxy said nothing in time. Raise the proxy's read timeout, or let "
                + "the server send its head at once."
        case 500...599:
            return "\(what): the server failed. Look at its log.\(quoted(reading))"
        default:
            return "\(what): the request is not one that it takes.\(quoted(reading))"
        }
    }

    private static func content(_ reading: OutsideReading, _ head: ResponseHead, _ what: String) -> String {
        let wanted = "an event stream has Content-Type: text/event-stream, and NDJSON application/x-ndjson"
        switch head.mediaType {
        case "text/html":
            return "\(what) with a web page (text/html), not with a stream. Give the URL that the page's script reads; "
                + "the browser's developer tools show it under Network."
        case "text/plain" where hasFormOfEvents(reading.beginning):
            return "\(what) with events as text/plain, which EventSource refuses. Let the server send Content-Type: "
                + "text/event-stream."
        case let type:
            return "\(what) with \(type ?? "no Content-Type"), not with a stream: \(wanted).\(quoted(reading))"
        }
    }

    private static func hasFormOfEvents(_ text: String) -> Bool {
        ["data:", "event:", "id:", "retry:", ":"].contains { text.utf8.starts(with: $0.utf8) }
    }

    private static func quoted(_ reading: OutsideReading) -> String {
        reading.beginning.isEmpty ? "" : " It says: \(reading.beginning)"
    }
}
