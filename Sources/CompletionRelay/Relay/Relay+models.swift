import StreamHTTP
import TextCodecs

/// The list of models, which has the built-in one where that is served too.
@available(freshet 0.1, *)
extension Relay {
    /// What a list of an upstream's models becomes; nil where the request is for no such list, or the upstream is asked
    /// alone.
    func modelList(for request: RelayRequest, of upstream: Upstream) -> (@Sendable ([UInt8]) -> [UInt8]?)? {
        guard let builtin = builtin(listedFor: request), builtin != upstream else { return nil }
        return { Self.listing(BuiltinUpstream.entry, in: $0) }
    }

    /// The list for a request that no other upstream may answer; nil where it is for none that has the built-in model.
    func builtinList(for request: RelayRequest, _ path: UpstreamPath) -> Response? {
        builtin(listedFor: request)?.allows(path) == true ? Self.builtinList : nil
    }

    /// What is served here is listed, whatever is wrong with the others.
    static var builtinList: Response {
        Response(200, headers: [HeaderField("Content-Type", "application/json")], body: BuiltinUpstream.list)
    }

    /// The built-in model's upstream, where a request is for a list that it is in.
    private func builtin(listedFor request: RelayRequest) -> Upstream? {
        guard request.method == "GET", request.path == "/models", request.upstream == nil,
            // Anthropic's list has pages: it is in the first.
            !["after_id", "before_id"].contains(where: request.query.contains)
        else { return nil }
        return configuration.builtin
    }

    /// A list with one more model, the first; nil for what is none.
    private static func listing(_ entry: [UInt8], in body: [UInt8]) -> [UInt8]? {
        let list = JSONSlice(body)
        guard let models = list["data"], models.raw.first == UInt8(ascii: "["),
            (try? JSONText.validate(body)) != nil
        else { return nil }
        guard !models.elements.contains(where: { $0["id"]?.string == BuiltinUpstream.model }) else { return nil }
        return JSONWriter.object { writer in
            for (name, value) in list.members {
                switch name {
                case "data":
                    let rest = models.elements.isEmpty ? [] : [UInt8(ascii: ",")]
                    writer.member(name, raw: [UInt8(ascii: "[")] + entry + rest + models.raw.dropFirst())
                case "first_id": writer.member(name, BuiltinUpstream.model)
                default: writer.member(name, raw: value.raw)
                }
            }
        }
    }
}
