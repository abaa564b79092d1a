import ServerSentEvents

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An event whose type has a meaning of its own in Freshet.
@available(freshet 0.1, *)
enum ControlEvent: Equatable {
    case start(offset: String)
    case gap(EventSource.Gap)
    case end(EventSource.End)
    case reconnect(why: String)
    case heartbeat

    /// Nil for an ordinary event. Data that cannot be read leaves the parts unknown: what the type says still holds.
    init?(_ event: ServerSentEvent) {
        switch event.type {
        case "start":
            struct Data: Decodable { var offset: String? }
            self = .start(offset: Self.decode(Data.self, event)?.offset ?? event.lastEventID)
        case "gap":
            struct Data: Decodable { var requested, resumed: String? }
            let data = Self.decode(Data.self, event)
            self = .gap(EventSource.Gap(requested: data?.requested, resumed: data?.resumed ?? event.lastEventID))
        case "end":
            struct Data: Decodable { var reason, detail: String? }
            let data = Self.decode(Data.self, event)
            let reason = data?.reason.map(EventSource.End.Reason.init(rawValue:))
            self = .end(EventSource.End(reason: reason, detail: data?.detail))
        case "reconnect":
            struct Data: Decodable { var why: String? }
            self = .reconnect(why: Self.decode(Data.self, event)?.why ?? "no reason given")
        case "heartbeat":
            self = .heartbeat
        default:
            return nil
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ event: ServerSentEvent) -> Value? {
        try? JSONDecoder().decode(type, from: Data(event.data.utf8))
    }
}
