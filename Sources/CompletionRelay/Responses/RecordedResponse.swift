import StreamCore
import TextCodecs

/// A response as its events have told it so far: the last `response` object among them, with the items that are done.
@available(freshet 0.1, *)
struct RecordedResponse: Sendable {
    private var object: JSONSlice?
    private var items: [(index: Int, item: JSONSlice)] = []

    mutating func received(_ event: EventBody) {
        let event = JSONSlice(event.data)
        if let response = event["response"], response["id"] != nil { object = response }
        guard event["type"]?.string == "response.output_item.done", let item = event["item"] else { return }
        let index = event["output_index"]?.integer ?? items.count
        items.removeAll { $0.index == index }
        items.append((index, item))
    }

    /// The object as a provider would tell it now; nil where no event told of one.
    ///
    /// - Parameter end: how the answer ended; nil while it is written.
    func document(end: StreamEnd?) -> [UInt8]? {
        guard let object else { return nil }
        var changed: [(name: String, value: [UInt8])] = []
        let status = object["status"]?.string
        if let end, let decided = Self.status(status, end) {
            var text: [UInt8] = []
            JSONWriter.appendString(decided, to: &text)
            changed.append(("status", text))
        }
        if let end, end.reason == .failed || end.reason == .abandoned, object["error"]?.saysSomething != true,
            !Self.isWhole(status)
        {
            changed.append(("error", Self.error(of: end)))
        }
        if (object["output"]?.elements.count ?? 0) < items.count { changed.append(("output", output)) }
        return JSONWriter.object { writer in
            for (name, value) in object.members where !changed.contains(where: { $0.name == name }) {
                writer.member(name, raw: value.raw)
            }
            for (name, value) in changed { writer.member(name, raw: value) }
        }
    }

    // MARK: -

    /// A provider's own last word on it.
    private static func isWhole(_ status: String?) -> Bool { ["completed", "incomplete"].contains(status) }

    /// The status that the end decides; nil where the provider did.
    private static func status(_ told: String?, _ end: StreamEnd) -> String? {
        switch end.reason {
        case .done: nil
        case .cancelled: "cancelled"
        case .failed, .abandoned: isWhole(told) || told == "cancelled" ? nil : "failed"
        }
    }

    private static func error(of end: StreamEnd) -> [UInt8] {
        let failure = end.detail.flatMap(RelayFailure.init(rawValue:))
        return JSONWriter.object {
            $0.member("code", "server_error")
            $0.member("message", failure?.sentence ?? end.detail ?? "The answer failed.")
        }
    }

    private var output: [UInt8] {
        var array: [UInt8] = [UInt8(ascii: "[")]
        for (_, item) in items.sorted(by: { $0.index < $1.index }) {
            if array.count > 1 { array.append(UInt8(ascii: ",")) }
            array.append(contentsOf: item.raw)
        }
        array.append(UInt8(ascii: "]"))
        return array
    }
}
