import EventSource
import Foundation
import NIOHTTP1
import StreamCore

/// Carries out what the producer machine decides: reads the input, sends the requests, waits.
struct AppendSession: Sendable {
    /// Whatever can happen. At most one read, one request and one timer are under way, so what waits here is bounded.
    private enum Happening: Sendable {
        case input(InputPiece)
        case interrupted
        case answered(ServerResponse)
        case failed(String)
        case timer
    }

    let client: StreamClient
    let url: String
    let settings: ProducerMachine<SystemRandomNumberGenerator>.Settings
    let ttlSeconds: Int?
    /// Sent with each append, so that its repetition is recognised.
    let producerID: String
    let input: any ProducerInput
    /// Told how many bytes and appends are acknowledged, and what is being waited for.
    let progress: @Sendable (_ bytes: Int, _ appends: Int, _ trouble: String?) -> Void

    func run() async -> ProducerMachine<SystemRandomNumberGenerator>.Outcome {
        let begin = ContinuousClock.now
        var machine = ProducerMachine(settings: settings, random: SystemRandomNumberGenerator())
        let (happenings, continuation) = AsyncStream.makeStream(of: Happening.self)
        var reading = false
        var timer: Task<Void, any Error>?
        defer { timer?.cancel() }
        input.onInterrupt { continuation.yield(.interrupted) }

        var action = machine.start(at: .zero)
        var iterator = happenings.makeAsyncIterator()
        while true {
            timer?.cancel()
            switch action {
            case .send(let request):
                Task {
                    do {
                        continuation.yield(.answered(try await send(request)))
                    } catch {
                        continuation.yield(.failed("\(error)"))
                    }
                }
            case .wait(let time):
                timer = Task {
                    try await Task.sleep(until: begin + time, clock: .continuous)
                    continuation.yield(.timer)
                }
            case .finish(let outcome):
                return outcome
            case .nothing:
                break
            }
            if machine.wantsInput, !reading {
                reading = true
                input.read { continuation.yield(.input($0)) }
            }
            guard let happening = await iterator.next() else { return .gaveUp("stopped") }
            let now = ContinuousClock.now - begin
            switch happening {
            case .input(let piece):
                reading = false
                switch piece {
                case .bytes(let bytes): action = machine.received(bytes, at: now)
                case .end: action = machine.inputEnded(at: now)
                case .failure(let reason): action = machine.inputBroke(reason, at: now)
                }
            case .interrupted:
                action = machine.inputBroke("interrupted", at: now)
            case .answered(let response):
                action = machine.answered(response, at: now)
                report(machine, response.problem)
            case .failed(let reason):
                action = machine.failed(reason, at: now)
                report(machine, reason)
            case .timer:
                // One that was just being replaced does no harm: the machine looks at the time.
                action = machine.timer(at: now)
            }
        }
    }

    private func report(
        _ machine: ProducerMachine<SystemRandomNumberGenerator>,
        _ reason: String
    ) {
        progress(machine.acknowledgedBytes, machine.acknowledgedAppends, machine.isTroubled ? reason : nil)
    }

    private func send(_ request: ProducerMachine<SystemRandomNumberGenerator>.Request) async throws -> ServerResponse {
        var headers: [(String, String)] = []
        let producer = { (sequence: Int) in
            [("Producer-Id", producerID), ("Producer-Epoch", "0"), ("Producer-Seq", "\(sequence)")]
        }
        switch request {
        case .create:
            headers.append(("Content-Type", settings.contentType.text))
            if let ttlSeconds { headers.append(("Stream-TTL", "\(ttlSeconds)")) }
            if let lease = settings.leaseSeconds { headers.append(("Stream-Lease", "\(lease)")) }
            return try await client.send(.PUT, url, headers: headers)
        case .append(let sequence, let body):
            headers = producer(sequence) + [("Content-Type", settings.contentType.text)]
            return try await client.send(.POST, url, headers: headers, body: body)
        case .question(let sequence, _):
            headers = producer(sequence + 2) + [("Content-Type", settings.contentType.text)]
            let body = Batcher.leastBody(of: settings.contentType.kind)
            return try await client.send(.POST, url, headers: headers, body: body)
        case .renewLease:
            headers.append(("Stream-Lease", "\(settings.leaseSeconds ?? 0)"))
            return try await client.send(.POST, url, headers: headers)
        case .end(let sequence, let end):
            headers = producer(sequence) + [("Stream-Closed", "true")]
            if let reason = end.reason { headers.append(("Stream-End-Reason", reason.rawValue)) }
            if let detail = end.detail.map(Self.oneLine), !detail.isEmpty {
                headers.append(("Stream-End-Detail", detail))
            }
            return try await client.send(.POST, url, headers: headers)
        }
    }

    /// A header field carries no control characters, and a detail has at most 1024 bytes.
    private static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            let next = Character(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
            guard line.utf8.count + next.utf8.count <= Append.longestDetail else { break }
            line.append(next)
        }
        return line.trimmingCharacters(in: .whitespaces)
    }
}
