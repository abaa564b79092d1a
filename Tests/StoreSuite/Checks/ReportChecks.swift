import StreamCore
import Testing

/// What nodes say of themselves.
@available(freshet 0.1, *)
extension StoreCheck {
    static let reports: [StoreCheck] = [
        StoreCheck("what each node said of itself is told at every node, with its age, until it says something else") {
            bench in
            let (one, two) = try await bench.nodes()
            #expect(try await one.livingNodes() == [], "they have said nothing")
            let names = ["first:4437", "\u{202E}<b>\"zwei\"\\\n日本"]
            let reports = names.enumerated().map { number, name in
                NodeReport(
                    name: name,
                    version: "1.\(number)",
                    started: 1_800_000_000_000 + UInt64(number),
                    isDraining: number == 1,
                    connections: 10 + number,
                    readers: 20 + number,
                    openProducers: 30 + number,
                    appends: 40 + number,
                    events: 50 + number,
                    deliveries: 1 << 40 + number,
                    memory: number == 1 ? nil : 1 << 33
                )
            }
            one.report(reports[0])
            two.report(reports[1])
            // What was said a while before it was heard is as old as that.
            bench.time.advance(by: .seconds(2))
            for node in [one, two] { try await bench.harness.beat(node) }
            for (index, node) in [one, two].enumerated() {
                let nodes = try await node.livingNodes().sorted { $0.report.started < $1.report.started }
                #expect(nodes.map(\.report) == reports)
                #expect(nodes.map(\.isSelf) == [index == 0, index == 1])
                #expect(nodes.map(\.age) == [.seconds(2), .seconds(2)])
                #expect(Set(nodes.map(\.session)).count == 2)
            }
            bench.time.advance(by: .seconds(1))
            var later = reports[0]
            later.appends += 1
            one.report(later)
            // The sign that a node lives says nothing new of itself.
            for node in [one, two] { try await bench.harness.beat(node) }
            let nodes = try await two.livingNodes().sorted { $0.report.started < $1.report.started }
            #expect(nodes.map(\.report) == [later, reports[1]])
            #expect(nodes.map(\.age) == [.zero, .seconds(3)])
            one.report(nil)
            try await bench.harness.beat(one)
            #expect(try await two.livingNodes().map(\.isSelf) == [true])
        },
        StoreCheck("what a node said goes with it when it is found dead, and comes again with what it says then") {
            bench in
            let (one, two) = try await bench.nodes()
            let reports = [1, 2].map { NodeReport(name: "\($0)", version: "", started: UInt64($0)) }
            one.report(reports[0])
            two.report(reports[1])
            for node in [one, two] { try await bench.harness.beat(node) }
            let before = try #require(try await one.livingNodes().first { !$0.isSelf })
            #expect(before.report == reports[1])
            try await bench.harness.bury(two)
            #expect(try await one.livingNodes().map(\.report) == [reports[0]])
            try await bench.harness.beat(two)
            two.report(reports[1])
            try await bench.harness.beat(two)
            let after = try #require(try await one.livingNodes().first { !$0.isSelf })
            #expect(after.report == reports[1] && after.session != before.session)
        },
    ]
}
