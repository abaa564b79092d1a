import Foundation
import ProbeProtocol

/// Carries out the steps of an examination over the network.
@available(freshet 0.1, *)
package struct Examiner: Sendable {
    private let client: MeasuringClient
    private let server: ServerAddress
    private let origin: ServerAddress?
    private let fields: [ResponseHead.Field]

    /// - Parameters:
    ///   - server: the server, as its clients reach it.
    ///   - origin: the same without what stands between.
    ///   - fields: what the requests carry beside their own fields, such as the probe's token.
    package init(
        client: MeasuringClient,
        server: ServerAddress,
        origin: ServerAddress?,
        fields: [ResponseHead.Field]
    ) {
        self.client = client
        self.server = server
        self.origin = origin
        self.fields = fields
    }

    /// Tries everything in a step at the same time.
    package func perform(_ step: Examination.Step) async -> [ProbeLabel: Observation] {
        if step.isOfOnePage { return await observe(together: step.probes) }
        return await withTaskGroup(of: (ProbeLabel, Observation).self) { group in
            for probe in step.probes {
                group.addTask {
                    if probe.startsAfter > 0 { try? await Task.sleep(for: .milliseconds(probe.startsAfter)) }
                    return (probe.label, await observe(probe))
                }
            }
            var observations: [ProbeLabel: Observation] = [:]
            for await (label, observation) in group { observations[label] = observation }
            return observations
        }
    }

    private func observe(_ probe: Probe) async -> Observation {
        switch probe.kind {
        case .time: .time(await time(probe))
        case .stream(let plan):
            .stream(
                StreamObservation(
                    plan: plan,
                    acceptEncoding: probe.acceptEncoding,
                    recording: await stream(plan, probe, leavesAfter: nil)
                )
            )
        case .departure(let plan, let after, let asks): .departure(await departure(plan, probe, after, asks))
        case .upload(let name, let moments): .upload(await upload(name, moments, probe))
        }
    }

    private func request(_ route: Probe.Route, _ target: String, limit: Int) -> ClientRequest {
        var request = ClientRequest(
            server: route == .direct ? origin ?? server : server,
            target: target,
            fields: [
                ResponseHead.Field("user-agent", "freshet-doctor"),
                // Some virus scanners hold back what was not asked for as a stream.
                ResponseHead.Field("accept", "text/event-stream"),
                ResponseHead.Field("cache-control", "no-cache"),
            ],
            limit: limit
        )
        request.fields += fields
        return request
    }

    private func observe(together probes: [Probe]) async -> [ProbeLabel: Observation] {
        let streams = probes.compactMap { probe in
            if case .stream(let plan) = probe.kind { (probe: probe, plan: plan) } else { nil }
        }
        let recordings = await client.perform(together: streams.map { request($0.plan, $0.probe) })
        var observations: [ProbeLabel: Observation] = [:]
        for (stream, recording) in zip(streams, recordings) {
            observations[stream.probe.label] = .stream(
                StreamObservation(plan: stream.plan, acceptEncoding: stream.probe.acceptEncoding, recording: recording)
            )
        }
        return observations
    }

    private func stream(_ plan: ProbePlan, _ probe: Probe, leavesAfter: Int?) async -> Recording {
        var request = request(plan, probe)
        request.leavesAfter = leavesAfter
        return await client.perform(request)
    }

    private func request(_ plan: ProbePlan, _ probe: Probe) -> ClientRequest {
        var request = request(
            probe.route,
            "\(ProbePaths.stream)?\(plan.query)",
            limit: plan.milliseconds + probe.patience
        )
        request.fields.append(ResponseHead.Field("accept-encoding", probe.acceptEncoding ?? "identity"))
        request.fields.append(ResponseHead.Field("last-event-id", Self.lastEventID))
        request.fields.append(ResponseHead.Field("producer-id", plan.name))
        return request
    }

    /// What is sent as `Last-Event-ID`, to see whether it arrives.
    package static let lastEventID = "0Q83ZpAp0000"

    private func time(_ probe: Probe) async -> TimeObservation {
        let recording = await client.perform(request(probe.route, ProbePaths.time, limit: 10_000))
        let body = recording.body
        return TimeObservation(
            sentAt: recording.sentAt,
            at: recording.headAt ?? recording.endAt,
            head: recording.head,
            end: recording.end,
            report: recording.head?.status == 200 ? Self.decoded(ProbeTime.self, body) : nil,
            body: String(decoding: body.prefix(600), as: UTF8.self)
        )
    }

    private func departure(_ plan: ProbePlan, _ probe: Probe, _ after: Int, _ asks: Int) async -> DepartureObservation {
        let recording = await stream(plan, probe, leavesAfter: after)
        let clock = ContinuousClock()
        let left = clock.now
        var status: ProbeStatus?
        var asked = 0.0
        while asked < Double(asks) {
            let response = await client.perform(
                request(origin == nil ? .proxied : .direct, "\(ProbePaths.status)?id=\(plan.name)", limit: 5000)
            )
            if response.head?.status == 200 { status = Self.decoded(ProbeStatus.self, response.body) ?? status }
            asked = (clock.now - left) / .milliseconds(1)
            if status?.end != nil { break }
            try? await Task.sleep(for: .milliseconds(300))
        }
        return DepartureObservation(
            plan: plan,
            leftAt: recording.endAt,
            status: recording.end == .left ? status : nil,
            asked: asked
        )
    }

    private func upload(_ name: String, _ moments: [Int], _ probe: Probe) async -> UploadObservation {
        var request = request(
            probe.route,
            "\(ProbePaths.upload)?id=\(name)",
            limit: (moments.last ?? 0) + probe.patience
        )
        request.method = "POST"
        request.fields.append(ResponseHead.Field("content-type", "text/plain"))
        request.body = moments.map {
            ClientRequest.BodyPart(after: $0, bytes: Array("a line of an upload at \($0)\n".utf8))
        }
        let recording = await client.perform(request)
        return UploadObservation(
            moments: moments,
            head: recording.head,
            end: recording.end,
            report: recording.head?.status == 200 ? Self.decoded(ProbeUpload.self, recording.body) : nil
        )
    }

    private static func decoded<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(body))
    }
}
