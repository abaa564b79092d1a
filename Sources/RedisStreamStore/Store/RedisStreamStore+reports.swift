package import StreamCore

/// What nodes say of themselves: it goes to Redis with their beats, and costs no command of its own.
@available(freshet 0.1, *)
extension RedisStreamStore {
    /// What another node may have written as its report; more is not read.
    private static let mostReportBytes = 4096

    package func report(_ report: NodeReport?) { node.say(report) }

    package func livingNodes() async throws(StoreError) -> [LivingNode] {
        var command = RedisCommand("HGETALL")
        command.add(keys.reports)
        let reply = try await reader.send([command], .reads)[0].elements ?? []
        let now = try await serverTime()
        let own = NodeSession.text(node.session)
        var nodes: [LivingNode] = []
        for index in stride(from: 0, to: reply.count - 1, by: 2) {
            guard let session = reply[index].text, let value = reply[index + 1].bytes,
                let (said, report) = Self.report(value)
            else { continue }
            let age = Duration.milliseconds(now > said ? now - said : 0)
            nodes.append(LivingNode(session: session, isSelf: session == own, report: report, age: age))
        }
        return nodes
    }

    /// `<ms> <object>`: when it was said, by Redis's clock, and what. Nil for what no node writes.
    private static func report(_ value: [UInt8]) -> (said: UInt64, report: NodeReport)? {
        guard value.count <= mostReportBytes, let space = value.firstIndex(of: UInt8(ascii: " ")),
            let said = UInt64(String(decoding: value[..<space], as: UTF8.self)),
            let report = NodeReport(json: Array(value[(space + 1)...]))
        else { return nil }
        return (said, report)
    }

    /// The node goes, and nobody has to find it dead first. Where Redis is away the others do.
    func takeReportBack() async {
        node.say(nil)
        guard case .up = caller.link.state else { return }
        var command = RedisCommand("HDEL")
        command.add(keys.reports)
        command.add(NodeSession.text(node.session))
        _ = try? await caller.send([command], .writes)
    }
}
