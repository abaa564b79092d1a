import StreamCore
import TextCodecs

/// What a node says of itself, as Redis keeps it: an object of JSON, so that `redis-cli` shows it.
@available(freshet 0.1, *)
extension NodeReport {
    var json: [UInt8] {
        JSONWriter.object { report in
            report.member("name", name)
            report.member("version", version)
            report.member("started", Int(started))
            report.member("draining", isDraining)
            report.member("connections", connections)
            report.member("readers", readers)
            report.member("producers", openProducers)
            report.member("appends", appends)
            report.member("events", events)
            report.member("deliveries", deliveries)
            report.member("memory", memory)
        }
    }

    /// The end of the year 9999, the last that a date has digits for.
    private static let lastMillisecond = 253_402_300_799_999

    /// Nil for what is no object with a name. What another version does not say is 0.
    init?(json bytes: [UInt8]) {
        let object = JSONSlice(bytes)
        guard let name = object["name"]?.string else { return nil }
        func number(_ name: String) -> Int { max(0, object[name]?.integer ?? 0) }
        self.init(
            name: name,
            version: object["version"]?.string ?? "",
            started: UInt64(min(number("started"), Self.lastMillisecond)),
            isDraining: object["draining"]?.isTrue ?? false,
            connections: number("connections"),
            readers: number("readers"),
            openProducers: number("producers"),
            appends: number("appends"),
            events: number("events"),
            deliveries: number("deliveries"),
            memory: object["memory"]?.integer.map { max(0, $0) }
        )
    }
}
