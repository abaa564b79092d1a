import Foundation
import NIOCore
import ProbeProtocol
package import StreamHTTP

/// What `freshet doctor` asks of a server: streams of known events at known moments, under chosen header fields.
///
/// What a probe may be is bounded (`ProbePlan.Limits`), and so is how many there are. Its content types are from a
/// list, and a page that is led to one can do nothing with it (`nosniff`, which every response has, and a sandbox).
@available(freshet 0.1, *)
package struct ProbeRoutes: Sendable {
    static let contentSecurityPolicy = "default-src 'none'; sandbox"

    private let origin: ProbeOrigin
    let access: ProbeAccess

    package init(access: ProbeAccess, origin: ProbeOrigin = ProbeOrigin()) {
        self.access = access
        self.origin = origin
    }

    /// How a request of somebody who may probe is answered; nil when it is for another path.
    package func plan(_ request: RouteRequest) -> RequestPlan? {
        let path = request.target.rawPath
        let method = path == ProbePaths.upload ? "POST" : "GET"
        guard ProbeAccess.covers(path) else { return nil }
        guard request.head.method.rawValue == method else {
            return .respond(Response(.method(allowed: "\(method), OPTIONS")))
        }
        if request.facts.isDraining { return .respond(Response(.draining)) }
        do throws(ProbePlan.Refusal) {
            switch path {
            case ProbePaths.time: return .respond(json(ProbeTime(instance: origin.instance, now: origin.now)))
            case ProbePaths.status:
                let names = request.target.values("id")
                return .respond(status(try ProbePlan.name(names.count == 1 ? names[0] : nil)))
            case ProbePaths.upload: return upload(request)
            default: return stream(request, try ProbePlan(query: request.target.query))
            }
        } catch {
            return .respond(Response(.badProbe(error.reason)))
        }
    }

    private func stream(_ request: RouteRequest, _ plan: ProbePlan) -> RequestPlan {
        let told = request.head.headers
            .map { (name: $0.name.lowercased(), value: $0.value) }
            .filter { ProbeMeta.toldRequestFields.contains($0.name) }
        let stream = ProbeStream(
            plan: plan,
            origin: origin,
            http: request.head.version,
            request: Dictionary(told.map { ($0.name, $0.value) }, uniquingKeysWith: { "\($0), \($1)" }),
            opened: origin.now
        )
        return .exchange(
            ExchangePlan { [origin] _, writer in
                guard origin.enter() else { return try await writer.respond(Response(.tooManyProbes)) }
                defer { origin.leave() }
                try await stream.run(writer)
            }
        )
    }

    private func status(_ name: String) -> Response {
        guard let status = origin.status(name) else {
            return Response(.badProbe("there was no probe \(name) here, or it is long ago"))
        }
        return json(status)
    }

    private func upload(_ request: RouteRequest) -> RequestPlan {
        let report = ProbeUpload(instance: origin.instance, http: request.head.version, opened: origin.now)
        let origin = origin
        let deadline = ContinuousClock.now + .seconds(ProbePlan.Limits.uploadSeconds)
        return .exchange(
            ExchangePlan(bodyLimit: ProbePlan.Limits.uploadBytes) { [self, report] body, writer in
                guard origin.enter() else { return try await writer.respond(Response(.tooManyProbes)) }
                defer { origin.leave() }
                var report = report
                for try await part in body where part.readableBytes > 0 {
                    report.bytes += part.readableBytes
                    guard ContinuousClock.now < deadline else { throw ExchangeError.bodyTimeout }
                    guard report.moments.count < ProbePlan.Limits.uploadPieces else { continue }
                    report.moments.append(origin.now)
                    report.sizes.append(part.readableBytes)
                }
                try await writer.respond(json(report))
            }
        )
    }

    private func json(_ value: some Encodable) -> Response {
        // What has only numbers, texts and arrays of them is always JSON.
        let body = (try? JSONEncoder().encode(value)) ?? Data()
        return Response(
            200,
            headers: [
                HeaderField("Content-Type", "application/json"), StreamFields.noStore,
                HeaderField("Content-Security-Policy", Self.contentSecurityPolicy),
            ],
            body: Array(body) + [UInt8(ascii: "\n")]
        )
    }
}
