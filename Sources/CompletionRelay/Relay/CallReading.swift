import StreamHTTP
import TextCodecs

/// The body of a call, and what it says that the relay goes by. To read it takes long where it is large.
@available(freshet 0.1, *)
struct CallReading: Sendable {
    let body: CallBody
    let model: String?
    /// It asks for a stream, or may be answered by one whatever it says.
    let isStreaming: Bool
    /// Its response is made in the background of the provider.
    let isBackground: Bool

    /// - Parameters:
    ///   - coding: what the body is packed with; nil for nothing.
    ///   - limit: the most bytes that it may have.
    /// - Throws: also where there is no memory for what it unpacks to.
    init(
        _ arrived: [UInt8],
        _ coding: String?,
        of request: RelayRequest,
        _ format: WireFormat,
        limit: Int
    ) throws(Problem) {
        var bytes = arrived
        // What is as it arrived counts as that until the call is begun.
        var claim: InflightClaim?
        if let coding {
            let size = try RequestCoding.size(of: arrived, coding, limit: limit)
            claim = try request.claim(size)
            bytes = try RequestCoding.unpack(arrived, coding, size: size)
        }
        body = CallBody(bytes, claim: claim)
        // A byte order mark is none of it (RFC 8259, section 8.1).
        let document = JSONSlice(bytes, from: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
        model = document["model"]?.string
        isStreaming = Self.isStreaming(document, format)
        isBackground = document["background"]?.isTrue ?? false
    }

    private static func isStreaming(_ call: JSONSlice, _ format: WireFormat) -> Bool {
        switch format {
        case .chat, .responses, .messages: call["stream"]?.isTrue ?? false
        case .ollama: call["stream"].map { !$0.raw.elementsEqual("false".utf8) } ?? true
        case .gemini, .events: true
        }
    }
}
