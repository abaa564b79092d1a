/// What a Redis is set up to survive, by its own settings.
@available(freshet 0.1, *)
struct RedisSafety: Sendable, Equatable {
    /// What `CONFIG GET` says, where a user may ask for it.
    var settings: [String: String]
    /// How many replicas are connected; nil where Redis does not say it.
    var replicas: Int?
    /// How many of them an acknowledgement waits for.
    var awaited: Int

    /// The settings that are asked for.
    static let names = ["appendonly", "maxmemory-policy", "maxmemory", "min-replicas-to-write", "min-replicas-max-lag"]

    /// What is missing for that no acknowledged event is lost with one machine: each a sentence that says what to do.
    var gaps: [String] {
        var gaps: [String] = []
        if let value = settings["appendonly"], value != "yes" {
            gaps.append(
                "Redis keeps no log of what it does (appendonly \(value)): if its process ends, events that were acknowledged are "
                    + "lost. Set appendonly yes."
            )
        }
        if let policy = settings["maxmemory-policy"], policy != "noeviction", settings["maxmemory"] != "0" {
            gaps.append(
                "Redis deletes data when its memory is full (maxmemory-policy \(policy)), streams among them. Set "
                    + "maxmemory-policy noeviction."
            )
        }
        gaps += gapsOfReplicas
        var unknown = ["appendonly", "maxmemory-policy", "min-replicas-to-write"].filter { settings[$0] == nil }
        if replicas == nil { unknown.append("its replicas") }
        if !unknown.isEmpty {
            gaps.append(
                "Redis does not say what \(unknown.joined(separator: ", ")) are. Allow CONFIG GET and INFO to this user, or see to "
                    + "it that they are as docs/operations.md says."
            )
        }
        return gaps
    }

    private var gapsOfReplicas: [String] {
        guard let replicas else { return [] }
        if replicas < awaited {
            return [
                "Redis has \(replicas) replicas, and redis-replicas is \(awaited): nothing can be appended until as many are there."
            ]
        }
        guard replicas > 0 else {
            return [
                "Redis has no replica: if its machine is lost, all streams are. Start one, and set redis-replicas to 1."
            ]
        }
        var gaps: [String] = []
        if replicas > awaited {
            gaps.append(
                "Redis has \(replicas) replicas, and an acknowledgement waits for \(awaited) of them: if another one becomes the "
                    + "master, events are lost. Set redis-replicas to \(replicas)."
            )
        }
        if let number = settings["min-replicas-to-write"].flatMap({ Int($0) }), number == 0 {
            gaps.append(
                "Redis takes writes without any replica that is up to date (min-replicas-to-write 0): a master that is cut off goes "
                    + "on taking what is lost afterwards. Set min-replicas-to-write 1 and min-replicas-max-lag 10."
            )
        } else if settings["min-replicas-max-lag"] == "0" {
            gaps.append(
                "Redis does not look how far its replicas are behind (min-replicas-max-lag 0), so that min-replicas-to-write "
                    + "means nothing. Set min-replicas-max-lag 10."
            )
        }
        return gaps
    }

    init(settings: [String: String], replicas: Int?, awaited: Int) {
        self.settings = settings
        self.replicas = replicas
        self.awaited = awaited
    }
}
