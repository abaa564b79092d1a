import NIOCore
import PrintableText
import StreamCore
import TextCodecs

/// What the access log says of one request, from its head to its end. It belongs to the request's event loop.
@available(freshet 0.1, *)
final class AccessRecord {
    private enum Event: String {
        /// All of a request.
        case request
        case begin
        case end
    }

    private let log: AccessLog
    private let time: any TimeSource
    private let began: NIODeadline
    private let address: String
    private let method: String?
    private let path: String?
    /// The trace that it belongs to; nil where it belongs to none.
    var traceID: String?
    /// What the transport had sent before.
    private let sentBefore: UInt64
    /// Who sent it, where that is known.
    var subject: String?
    var status: Int?
    private var end: AccessEnd?
    /// Of the two lines of a request that goes on.
    private var number: Int?
    private var isOver = false

    /// - Parameters:
    ///   - head: nil for what never became a request.
    ///   - peer: the address of the connection.
    ///   - sent: how many bytes the transport has sent by now.
    init(
        of head: RequestHead?,
        from peer: String,
        sent: UInt64,
        in log: AccessLog,
        time: any TimeSource,
        now: NIODeadline = .now(),
        isSecret: (String) -> Bool
    ) {
        self.log = log
        self.time = time
        began = now
        sentBefore = sent
        method = head.map { LoggedText.short($0.method.rawValue, 20) }
        path = head.map { LoggedText.path(of: $0.uri, isSecret) }
        address = head.map { log.proxies.sender(of: $0.headers, from: peer) } ?? peer
        traceID = head.flatMap { TraceParent.traceID(in: $0.headers) }
    }

    /// It goes on for as long as its stream does, or its body: it gets one line now and one at its end.
    func begin() {
        guard number == nil, !isOver else { return }
        let number = log.nextNumber()
        self.number = number
        write(.begin) { $0.member("id", number) }
    }

    /// Why it is over. What is said first holds: what follows comes of it.
    func note(_ end: AccessEnd) {
        if self.end == nil { self.end = end }
    }

    /// It is over.
    ///
    /// - Parameters:
    ///   - end: why, unless that was said before.
    ///   - sent: how many bytes the transport has sent by now.
    func finish(_ end: AccessEnd, sent: UInt64, now: NIODeadline = .now()) {
        guard !isOver else { return }
        isOver = true
        note(end)
        write(number == nil ? .request : .end) { line in
            if let number { line.member("id", number) }
            line.member("bytes", Int(clamping: sent - min(sent, sentBefore)))
            line.member("duration_ms", Int((now - began).nanoseconds / 1_000_000))
            line.member("end", self.end?.rawValue)
        }
    }

    private func write(_ event: Event, _ further: (inout JSONWriter) -> Void) {
        let line = JSONWriter.object { line in
            line.member("time", Self.text(milliseconds: time.wallMilliseconds()))
            line.member("event", event.rawValue)
            line.member("address", address)
            line.member("method", method)
            line.member("path", path)
            line.member("status", status)
            line.member("subject", subject.map { LoggedText.short($0, 200) })
            if let traceID { line.member("trace_id", traceID) }
            further(&line)
        }
        log.write(PrintableText.escaped(json: line) + [UInt8(ascii: "\n")])
    }

    /// RFC 3339, in UTC. Always to the millisecond, so that lines sort as texts.
    static func text(milliseconds: UInt64) -> String {
        let seconds = Int(milliseconds / 1000)
        let (year, month, day) = HTTPDate.civilDate(seconds / 86_400)
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
        let fraction = Int(milliseconds % 1000)
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(hour, 2) + ":"
            + padded(minute, 2) + ":" + padded(second, 2) + "." + padded(fraction, 3) + "Z"
    }

    private static func padded(_ number: Int, _ count: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }
}
