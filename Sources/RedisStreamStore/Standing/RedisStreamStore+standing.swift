package import StreamCore

/// What is said of the store to who operates it.
@available(freshet 0.1, *)
extension RedisStreamStore: ObservedStore {
    package var standing: StoreStanding {
        let memory = activityCount.memory
        let trouble: String? =
            switch caller.link.state {
            case .up: nil
            case .down(let trouble): trouble?.description ?? "Redis has not been reached yet."
            case .closed: "The store is closed."
            }
        return StoreStanding(
            trouble: trouble,
            session: NodeSession.text(node.session),
            server: caller.link.session?.endpoint.description,
            memory: memory.used,
            memoryLimit: memory.limit
        )
    }

    package var activity: StoreActivity { activityCount.activity }

    /// Asks for the memory that Redis uses, now and then. What it does not say is not known.
    func askForMemory() async {
        guard activityCount.isToAskForMemory() else { return }
        guard let text = try? await reader.link.send(RedisCommand(["INFO", "memory"])).text else { return }
        let information = RedisInformation(text)
        activityCount.uses(memory: information["used_memory"], limit: information["maxmemory"])
    }

    /// What Redis lacks for that no acknowledged event is lost with one machine: each a sentence that says what to do.
    package func safetyGaps() async -> [String] {
        var settings: [String: String] = [:]
        for name in RedisSafety.names {
            // A user may be forbidden to ask.
            let reply = try? await caller.link.send(RedisCommand(["CONFIG", "GET", name]))
            if let pair = reply?.elements, pair.count == 2 { settings[name] = pair[1].text }
        }
        let replication = try? await caller.link.send(RedisCommand(["INFO", "replication"])).text
        let replicas = replication.flatMap { RedisInformation($0)["connected_slaves"] }
        return RedisSafety(settings: settings, replicas: replicas, awaited: configuration.replicas).gaps
    }

    /// A secret that all nodes have: the one that is there, or else this one, from now on.
    package func sharedSecret(orElse secret: [UInt8]) async throws(StoreError) -> [UInt8] {
        var command = RedisCommand("SET")
        command.add(keys.sessionSecret)
        command.add(secret)
        command.add("NX")
        command.add("GET")
        let reply = try await caller.send([command], .writes)[0]
        return reply.bytes ?? secret
    }
}
