package import RedisStreamStore

/// Where streams are kept.
@available(freshet 0.1, *)
package enum StoreSetting: Sendable, Hashable {
    /// In the directory that `data` names.
    case directory
    case memory
    case redis(RedisURL)
}

@available(freshet 0.1, *)
extension SettingKind where Value == StoreSetting {
    static var store: SettingKind {
        let allowed =
            "directory, memory, or redis://[user[:password]@]host[:port][/database], or "
            + "redis-sentinel://[user[:password]@]host[:port],…/master-name[/database], with rediss for TLS"
        return SettingKind(
            "store",
            allowed: allowed,
            parse: { written throws(Refusal) in
                let text = try written.text(for: allowed)
                switch text {
                case "directory": return .directory
                case "memory": return .memory
                default: break
                }
                // A password may stand anywhere in what is written wrongly: it is not said what is written.
                guard text.utf8.starts(with: "redis".utf8) || text.utf8.contains(UInt8(ascii: ":")) else {
                    throw Refusal("\"\(text)\" is not \(allowed)")
                }
                do throws(RedisURLError) {
                    return .redis(try RedisURL(text))
                } catch {
                    throw Refusal("it is not \(allowed): \(error.description)")
                }
            },
            show: { store in
                switch store {
                case .directory: "directory"
                case .memory: "memory"
                case .redis(let url): url.description
                }
            }
        )
    }
}
