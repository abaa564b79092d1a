import Foundation
import NIOCore
import ProbeProtocol
import StreamHTTP

/// One probe that is being answered: events at the moments that its plan names, each with the moment it was written.
@available(freshet 0.1, *)
struct ProbeStream: Sendable {
    let plan: ProbePlan
    let origin: ProbeOrigin
    let http: String
    let request: [String: String]
    let opened: Double

    func run(_ writer: ResponseWriter) async throws {
        origin.begin(plan.name, opened: opened)
        do {
            let isWhole = try await send(writer)
            origin.ended(plan.name, isWhole ? .complete : .gone)
        } catch {
            origin.ended(plan.name, .gone)
            throw error
        }
    }

    /// False when the probe was to be torn.
    private func send(_ writer: ResponseWriter) async throws -> Bool {
        let clock = EventLoopClock()
        let begun = clock.now
        let nonce = ProbeOrigin.randomName(bytes: 16)
        let fields = Self.fields(plan, nonce: nonce)
        try await writer.head(200, fields)
        // With an event that is due at once it goes out in one write, as when a reader is told what it missed: some
        // compressors decide by the size of what comes first.
        var comment = plan.hints.contains(.comment) ? ": ok\n\n" : ""
        if !comment.isEmpty, plan.events == 0 || plan.delay > 0 {
            try await writer.write(ByteBuffer(string: comment))
            comment = ""
        }
        var described = false
        for index in 0..<plan.events {
            if plan.death != nil, index == plan.deathAfter { break }
            try await clock.sleep(until: begun + .milliseconds(plan.moment(of: index)), tolerance: .zero)
            var text = described ? "" : comment + (try meta(nonce: nonce, sent: fields))
            described = true
            text += "data: \(index) \(origin.now) "
            var buffer = ByteBuffer(string: text)
            buffer.writeBytes(ProbeOrigin.noise(plan.eventBytes))
            buffer.writeString("\n\n")
            try await writer.write(buffer)
            origin.wrote(plan.name)
        }
        switch plan.death {
        case .close: writer.cut()
        case .reset: writer.cut(reset: true)
        case nil:
            let last = (described ? "" : try meta(nonce: nonce, sent: fields)) + "event: end\ndata: \(plan.events)\n\n"
            try await writer.write(ByteBuffer(string: last))
            return true
        }
        return false
    }

    private func meta(nonce: String, sent: [HeaderField]) throws -> String {
        let meta = ProbeMeta(
            nonce: nonce,
            instance: origin.instance,
            name: plan.name,
            http: http,
            opened: opened,
            request: request,
            sent: Dictionary(sent.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 })
        )
        return "event: meta\ndata: " + String(decoding: try JSONEncoder().encode(meta), as: UTF8.self) + "\n\n"
    }

    private static func fields(_ plan: ProbePlan, nonce: String) -> [HeaderField] {
        let hints = ProbeHint.fields(plan.hints).map { HeaderField($0.name, $0.value) }
        return [HeaderField("Content-Type", plan.form.contentType)] + hints + [
            HeaderField("Content-Security-Policy", ProbeRoutes.contentSecurityPolicy),
            HeaderField(ProbePaths.nonceField, nonce),
        ]
    }
}
