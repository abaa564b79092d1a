import StreamCore

/// What a copy came to, in sentences.
@available(freshet 0.1, *)
enum CopyReport {
    static func summary(_ result: StreamCopy.Progress, _ from: CopyPlace, _ to: CopyPlace) -> String {
        let copied = result.created + result.extended
        var sentences = [
            "Copied \(streams(copied)) (\(result.events) events, \(Terminal.size(result.bytes))) from "
                + "\(from.description) to \(to.description)."
        ]
        if result.extended > 0 {
            sentences.append("\(result.extended) of them had been copied before and had gone on.")
        }
        if result.same > 0 {
            sentences.append("\(streams(result.same)) \(result.same == 1 ? "was" : "were") there already.")
        }
        if !result.left.isEmpty { sentences.append("\(streams(result.left.count)) could not be copied.") }
        return sentences.joined(separator: " ")
    }

    static func line(_ left: StreamCopy.Left) -> String {
        let why =
            switch left.why {
            case .changedMeanwhile: "it was deleted or trimmed while it was copied. Repeat the command."
            case .differs(.otherStream): "another stream of that name is there."
            case .differs(.softDeletion): "it is deleted at one of the two places, and its name is kept for its forks."
            case .differs(.wentOn): "it has events or an end there that it does not have here."
            case .damaged(let what): what
            }
        return "\(left.name) was not copied: \(why)"
    }

    /// What is not copied with streams.
    static func remarks(_ from: CopyPlace, _ source: any StreamExport) -> [String] {
        guard source.waitingCalls > 0 else { return [] }
        return [
            "\(source.waitingCalls) calls of webhooks that have not succeeded are in \(from.description) only: `freshet hooks` "
                + "lists them on a server that uses it."
        ]
    }

    static func trouble(_ error: StoreError) -> String {
        switch error {
        case .full(let bound): "There is no room left where the streams go (\(bound.rawValue))."
        case .ownerFull: "A quota is reached."
        case .unavailable(let what), .outcomeUnknown(let what), .damaged(let what): what
        }
    }

    private static func streams(_ count: Int) -> String { count == 1 ? "1 stream" : "\(count) streams" }
}
