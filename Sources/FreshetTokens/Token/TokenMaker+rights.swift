import Freshet
import FreshetServer
import StreamCore

@available(freshet 0.1, *)
extension TokenMaker {
    /// The grants as a token has them: one list of names for each right.
    static func rights(_ grants: [Grant]) throws(SetupError) -> RightsByName {
        var rights: RightsByName = []
        for grant in grants {
            var patterns: [String] = []
            for place in grant.places { patterns.append(try pattern(place)) }
            guard !patterns.isEmpty else { continue }
            for name in grant.rights.core.names {
                if let index = rights.firstIndex(where: { $0.name == name }) {
                    rights[index].patterns += patterns
                } else {
                    rights.append((name, patterns))
                }
            }
        }
        guard !rights.isEmpty else { throw SetupError(["The token gives no right on any stream."]) }
        return rights
    }

    /// What tells a token's reader of these streams and no others.
    private static func pattern(_ place: Place) throws(SetupError) -> String {
        switch place {
        case .named(let name):
            do throws(StreamName.Invalid) {
                _ = try StreamName(name)
            } catch {
                throw SetupError([EventStreamError(error, name: name).message])
            }
            guard !name.utf8.contains(UInt8(ascii: "*")) else {
                throw SetupError(["\"\(name)\" has a *, by which a token means every stream whose name begins so."])
            }
            return name
        case .beginning(let text):
            let pattern = text.utf8.last == UInt8(ascii: "/") ? text : text + "*"
            do throws(Refusal) {
                _ = try StreamPrefix(pattern: pattern)
            } catch {
                throw SetupError(["No name of a stream begins with \"\(text)\": \(error.reason)."])
            }
            return pattern
        }
    }
}
