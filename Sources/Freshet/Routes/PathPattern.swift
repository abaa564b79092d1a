import FreshetServer
import TextCodecs

/// The path of a route, and what it takes from the paths it matches.
@available(freshet 0.1, *)
struct PathPattern: Sendable {
    fileprivate enum Segment: Sendable, Equatable {
        case text(String)
        case one(String)
        case rest(String)
    }

    private let segments: [Segment]

    /// - Throws: `SetupError` that says what is wrong with it.
    init(_ path: String) throws(SetupError) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(UInt8(ascii: "?")) else {
            throw SetupError(["The route \"\(path)\" is no path; it begins with / and has no query."])
        }
        var segments: [Segment] = []
        for text in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(Self.segment(String(decoding: text, as: UTF8.self)))
        }
        let names = segments.compactMap(\.name)
        guard Set(names).count == names.count, !names.contains("") else {
            throw SetupError(["The route \"\(path)\" has a name twice, or one that is empty."])
        }
        guard !segments.dropLast().contains(where: \.isRest) else {
            throw SetupError(["The route \"\(path)\" goes on behind {\(names.last ?? "")...}, which takes all."])
        }
        if segments.first == .text("v1") || segments == [.text("health")] || segments == [.text("metrics")] {
            throw SetupError(["The route \"\(path)\" is below /v1, or is /health or /metrics: these are Freshet's own."]
            )
        }
        self.segments = segments
    }

    /// What stands at the names of the pattern, decoded; nil when the path is another one.
    func match(_ path: String) -> [String: String]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var found: [String: String] = [:]
        for (index, segment) in segments.enumerated() {
            if case .rest(let name) = segment {
                guard index < parts.count else { return nil }
                let rest = parts[index...].map { PercentEncoding.decode($0, plusIsSpace: false) }
                guard !rest.contains(nil) else { return nil }
                found[name] = rest.compactMap(\.self).joined(separator: "/")
                return found
            }
            guard index < parts.count, let part = PercentEncoding.decode(parts[index], plusIsSpace: false) else {
                return nil
            }
            switch segment {
            case .text(let text): guard text.utf8.elementsEqual(part.utf8) else { return nil }
            case .one(let name):
                guard !part.isEmpty else { return nil }
                found[name] = part
            case .rest: return nil
            }
        }
        return parts.count == segments.count ? found : nil
    }

    private static func segment(_ text: String) -> Segment {
        guard text.hasPrefix("{"), text.hasSuffix("}") else { return .text(text) }
        let name = text.dropFirst().dropLast()
        return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .one(String(name))
    }
}

@available(freshet 0.1, *)
extension PathPattern.Segment {
    fileprivate var name: String? {
        switch self {
        case .text: nil
        case .one(let name), .rest(let name): name
        }
    }

    fileprivate var isRest: Bool { if case .rest = self { true } else { false } }
}
