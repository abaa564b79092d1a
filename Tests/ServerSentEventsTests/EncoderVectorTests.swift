import ServerSentEvents
import Testing

@Suite("Encoder: vectors of eventsource-encoder")
struct EncoderVectorTests {
    struct Vector: Decodable, Sendable {
        struct Input: Decodable, Sendable {
            let comment: String?
            let event: String?
            let retry: Int?
            let id: Int?
            let text: String?
            let data: String?

            private enum CodingKeys: String, CodingKey {
                case comment, event, retry, id, data
            }

            init(from decoder: any Decoder) throws {
                let fields = try decoder.container(keyedBy: CodingKeys.self)
                comment = try fields.decodeIfPresent(String.self, forKey: .comment)
                event = try fields.decodeIfPresent(String.self, forKey: .event)
                retry = try fields.decodeIfPresent(Int.self, forKey: .retry)
                // The suite gives IDs as numbers and as strings.
                id = try? fields.decodeIfPresent(Int.self, forKey: .id)
                text = try? fields.decodeIfPresent(String.self, forKey: .id)
                data = try fields.decodeIfPresent(String.self, forKey: .data)
            }

            var block: EventBlock {
                EventBlock(
                    comment: comment,
                    event: event,
                    retry: retry,
                    id: text ?? id.map { "\($0)" },
                    data: data.map { Array($0.utf8) }
                )
            }
        }

        let input: Input
        let output: String?
        let `throws`: Bool?
    }

    @Test("A block is written as the vector says, or refused", arguments: try VectorFile<Vector>.load("encoder"))
    func vector(_ vector: Vector) throws {
        let encoder = EventStreamEncoder()
        let block = vector.input.block
        if vector.throws == true {
            #expect(throws: EventStreamEncoderError.self) { try encoder.encode(block) }
        } else {
            #expect(try String(decoding: encoder.encode(block), as: UTF8.self) == vector.output)
        }
    }
}
