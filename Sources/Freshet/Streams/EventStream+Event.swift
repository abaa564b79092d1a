import Foundation
import StreamCore

@available(freshet 0.1, *)
extension EventStream {
    /// What a producer gives: one unit, appended whole and never changed afterwards.
    ///
    /// ```swift
    /// try await stream.append([.init("Hello"), .init("tick", type: "clock")])
    /// ```
    public struct Content: Sendable, Hashable {
        /// The event type, which a page listens for with `addEventListener`; nil is `message`.
        ///
        /// Only streams of the type `text/event-stream` have other types than `message`. It may hold neither line ends
        /// nor NUL, and none of Freshet's own names: `end`, `gap`, `start`, `reconnect`, `snapshot` and `heartbeat`.
        public var type: String?
        /// The bytes, at most ``EventStreams/Configuration/eventBytes``.
        public var data: [UInt8]

        /// An event of text.
        public init(_ text: String, type: String? = nil) {
            self.type = type
            self.data = Array(text.utf8)
        }

        /// An event of bytes. In a stream of the type `text/event-stream` they must be UTF-8.
        public init(bytes: [UInt8], type: String? = nil) {
            self.type = type
            self.data = bytes
        }

        /// An event of JSON, by Foundation's `JSONEncoder` with sorted keys.
        ///
        /// - Throws: ``EventStreamError`` with the code `invalidEvent` when the value cannot be encoded.
        public init(json value: some Encodable, type: String? = nil) throws(EventStreamError) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            do {
                self.data = Array(try encoder.encode(value))
            } catch {
                throw EventStreamError(.invalidEvent, "The value cannot be written as JSON: \(error)")
            }
            self.type = type
        }
    }

    /// One event as it stands in the log.
    public struct Event: Sendable, Hashable {
        /// The position just after it, with which a reader comes back: the SSE `id`.
        public let id: Offset
        /// The event type; nil is `message`.
        public let type: String?
        /// The bytes as they were appended.
        public let data: [UInt8]

        init(_ event: StreamEvent) {
            self.id = Offset(event.offset)
            self.type = event.body.type
            self.data = event.body.data
        }

        /// The bytes as text. What is not UTF-8 is shown as U+FFFD.
        public var text: String { String(decoding: data, as: UTF8.self) }

        /// The value that the event holds as JSON, by Foundation's `JSONDecoder`.
        ///
        /// - Throws: Foundation's `DecodingError`.
        public func decode<Value: Decodable>(as type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(data))
        }
    }
}
