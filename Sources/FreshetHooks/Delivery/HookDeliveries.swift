import FreshetServer
import Locks
import Logging
import PrintableText
import StreamCore
import StreamHTTP
import TextCodecs

/// Tells the hooks what the outbox has for them, until each took it.
///
/// It works on a thread of its own, so that no connection waits for JSON or a signature.
@available(freshet 0.1, *)
actor HookDeliveries {
    nonisolated var unownedExecutor: UnownedSerialExecutor { BackgroundThread.hooks.asUnownedSerialExecutor() }

    typealias Call = @Sendable (HookCall) async -> HookAnswer

    private struct Hook {
        let setting: HookSetting
        var secrets: HookSecrets
        var queue: DeliveryQueue
        var counts = HookCounts()
        var trouble: String?
    }

    private static let page = 1000

    private let outbox: any Outbox
    private let call: Call
    private let backOff: BackOff
    private let time: any TimeSource
    private let logger: Logger
    private var hooks: [String: Hook] = [:]
    private let names: [String]
    private var calls: [Int64: Task<Void, Never>] = [:]
    private var timers: [String: (due: Duration, task: Task<Void, Never>)] = [:]
    private var isStopped = false
    /// Entries that the store told of and that nobody has looked at.
    private nonisolated let arrived = Mutex<[OutboxEntry]>([])
    /// Whatever is not later was listed.
    private var listed: Int64 = 0
    private var hasListed = false
    /// Entries that were told, and that the store could not take away yet.
    private var told: Set<Int64> = []

    init(
        _ hooks: [(setting: HookSetting, secrets: HookSecrets)],
        outbox: any Outbox,
        backOff: BackOff = BackOff(),
        mostCalls: Int = ServerConfiguration.callsPerHook,
        time: any TimeSource = SystemTime(),
        logger: Logger,
        call: @escaping Call
    ) {
        self.outbox = outbox
        self.backOff = backOff
        self.time = time
        self.logger = logger
        self.call = call
        names = hooks.map { $0.setting.name }
        for (setting, secrets) in hooks {
            self.hooks[setting.name] = Hook(
                setting: setting,
                secrets: secrets,
                queue: DeliveryQueue(mostRunning: mostCalls)
            )
        }
    }

    /// Takes up what the store holds, and then whatever comes.
    func start() async throws(StoreError) {
        outbox.followOutbox { [weak self] entries in
            guard let self else { return }
            self.arrived.withLock { $0 += entries }
            Task { await self.takeArrived() }
        }
        // One that is shared tells of what there is where it is to be told.
        while !outbox.isOutboxShared {
            let page = try await outbox.outboxEntries(after: listed, limit: Self.page)
            take(page.filter { $0.failure == nil })
            listed = page.last?.number ?? listed
            if page.count < Self.page { break }
        }
        hasListed = true
        takeArrived()
        for name in names { pump(name) }
    }

    private func take(_ entries: [OutboxEntry]) {
        var strangers: [String: Int] = [:]
        for entry in entries {
            if hooks[entry.receiver] == nil { strangers[entry.receiver, default: 0] += 1 }
            hooks[entry.receiver]?.queue.take(DeliveryQueue.Item(entry))
        }
        for (name, count) in strangers.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "Calls wait for a hook that is not in the settings. Put it back, or drop them: freshet hooks",
                metadata: ["hook": "\(PrintableText.escaped(name))", "calls": "\(count)"]
            )
        }
    }

    /// Calls no more. What is being told is told again by the next process, unless it was taken.
    func stop() async {
        isStopped = true
        let running = Array(calls.values)
        for task in running { task.cancel() }
        for (_, timer) in timers { timer.task.cancel() }
        for task in running { await task.value }
        await outbox.leaveOutbox()
    }

    private func takeArrived() {
        guard hasListed else { return }
        let entries = arrived.withLock { arrived in
            defer { arrived = [] }
            return arrived
        }
        let new = entries.filter { $0.number > listed }
        take(new)
        for name in Set(new.map(\.receiver)) { pump(name) }
    }

    // MARK: Calling

    private func pump(_ name: String) {
        guard !isStopped, hooks[name] != nil else { return }
        while let item = hooks[name]?.queue.next(at: time.monotonic()) {
            calls[item.number] = Task { await deliver(item, name) }
        }
        guard let due = hooks[name]?.queue.due else { return }
        if let timer = timers[name], timer.due <= due { return }
        timers[name]?.task.cancel()
        let wait = due - time.monotonic()
        let task = Task {
            try? await EventLoopClock().sleep(for: max(wait, .zero))
            if !Task.isCancelled { wake(name) }
        }
        timers[name] = (due, task)
    }

    private func wake(_ name: String) {
        timers[name] = nil
        pump(name)
    }

    private func deliver(_ item: DeliveryQueue.Item, _ name: String) async {
        guard !told.contains(item.number) else {
            await forget(item, name)
            calls[item.number] = nil
            return pump(name)
        }
        let answer = await attempt(item, name)
        calls[item.number] = nil
        guard !isStopped else {
            if answer == .taken { _ = try? await outbox.changeOutbox(item.number, .remove) }
            // A call that this process gave up says nothing of the hook.
            return
        }
        switch answer {
        case nil: break
        case .taken: await delivered(item, name)
        case .gone: disable(name, because: item)
        case .failed(let reason, let retryAfter): await failed(item, name, reason, retryAfter)
        }
        pump(name)
    }

    private func attempt(_ item: DeliveryQueue.Item, _ name: String) async -> HookAnswer? {
        guard let hook = hooks[name] else { return nil }
        do throws(StoreError) {
            guard let entry = try await outbox.outboxEntryToTell(item.number) else {
                hooks[name]?.queue.finished(item)
                return nil
            }
            var content: EventRun?
            var omission: OutboxEntry.Omission?
            do throws(StoreError) {
                content = try await outbox.outboxContent(of: item.number)
            } catch {
                guard case .damaged = error else { throw error }
                omission = .damaged
            }
            let body = NoticeBody.json(entry, content: content, omission: omission)
            return await call(Self.call(hook.setting, hook.secrets, entry, body, at: time.wallMilliseconds() / 1000))
        } catch {
            return .failed("the store cannot be read: \(error)")
        }
    }

    static func call(
        _ setting: HookSetting,
        _ secrets: HookSecrets,
        _ entry: OutboxEntry,
        _ body: [UInt8],
        at timestamp: UInt64
    ) -> HookCall {
        let trace = entry.trace ?? RandomToken.text()
        return HookCall(
            url: setting.url,
            fields: [
                HookCall.Field(name: "Content-Type", value: "application/json"),
                HookCall.Field(name: "User-Agent", value: "freshet/\(FreshetVersion.number)"),
                HookCall.Field(name: "webhook-id", value: entry.id),
                HookCall.Field(name: "webhook-timestamp", value: "\(timestamp)"),
                HookCall.Field(
                    name: "webhook-signature",
                    value: secrets.signatures(id: entry.id, timestamp: timestamp, body: body)
                ),
                HookCall.Field(name: "traceparent", value: "00-\(trace)-\(RandomToken.text().prefix(16))-01"),
            ],
            body: body
        )
    }

    private func delivered(_ item: DeliveryQueue.Item, _ name: String) async {
        hooks[name]?.counts.delivered += 1
        if let trouble = hooks[name]?.trouble {
            hooks[name]?.trouble = nil
            logger.notice("A hook takes calls again.", metadata: metadata(name, trouble))
        }
        await forget(item, name)
    }

    /// Takes away what was told. A store that is out of reach is asked again: until then nothing else is told of the stream.
    private func forget(_ item: DeliveryQueue.Item, _ name: String) async {
        do throws(StoreError) {
            _ = try await outbox.changeOutbox(item.number, .remove)
            told.remove(item.number)
            hooks[name]?.queue.finished(item)
        } catch {
            told.insert(item.number)
            hooks[name]?.queue.failed(item, until: time.monotonic() + backOff.first)
        }
    }

    private func disable(_ name: String, because item: DeliveryQueue.Item) {
        hooks[name]?.counts.gone += 1
        let wasDisabled = hooks[name]?.queue.isDisabled ?? true
        hooks[name]?.queue.disable(because: item)
        guard !wasDisabled else { return }
        hooks[name]?.trouble = "it answered 410"
        logger.warning(
            "A hook answered 410 and is not called any more. What comes for it is kept; SIGHUP and the next start try again.",
            metadata: ["hook": "\(PrintableText.escaped(name))"]
        )
    }

    private func failed(
        _ item: DeliveryQueue.Item,
        _ name: String,
        _ reason: String,
        _ retryAfter: RetryAfter?
    ) async {
        hooks[name]?.counts.failed += 1
        // What lasts is said once.
        if hooks[name]?.trouble != reason {
            logger.warning("A hook's call failed; it is tried again.", metadata: metadata(name, reason))
        }
        hooks[name]?.trouble = reason
        let attempts = item.attempts + 1
        let waited = Duration.milliseconds(time.wallMilliseconds()) - .milliseconds(item.waitingSince)
        guard backOff.isOver(attempts: attempts, after: waited) else {
            let asked = retryAfter?.delay ?? .zero
            let delay = backOff.delay(after: attempts, random: Double.random(in: 0...1), asked: asked)
            let now = time.monotonic()
            hooks[name]?.queue.failed(item, until: now + delay)
            if retryAfter?.isOfAll == true { hooks[name]?.queue.pause(until: now + min(asked, backOff.longest)) }
            return
        }
        do throws(StoreError) {
            _ = try await outbox.changeOutbox(item.number, .fail(reason))
            hooks[name]?.queue.finished(item)
            logger.error(
                "A call is tried no more: freshet hooks lists it.",
                metadata: metadata(name, reason).merging(["stream": "\(PrintableText.escaped(item.stream.text))"]) {
                    $1
                }
            )
        } catch {
            hooks[name]?.queue.failed(item, until: time.monotonic() + backOff.longest)
        }
    }

    private func metadata(_ name: String, _ reason: String) -> Logger.Metadata {
        ["hook": "\(PrintableText.escaped(name))", "reason": "\(PrintableText.escaped(reason))"]
    }

    // MARK: What operators do

    /// Whether there is a hook of this name.
    nonisolated func knows(_ name: String) -> Bool { names.contains(name) }

    /// Signs by these secrets from now on, and calls hooks again that had answered 410.
    func reload(_ secrets: [String: HookSecrets]) {
        for name in names {
            if let found = secrets[name] { hooks[name]?.secrets = found }
            hooks[name]?.queue.enable()
            pump(name)
        }
    }

    enum Outcome: Sendable {
        case done, missing
        /// Its call is under way, or has just failed for the last time.
        case isRunning
    }

    /// Tells an entry now.
    func retry(_ entry: OutboxEntry) async throws(StoreError) -> Outcome {
        // The node that tells hears of it, which may be another one.
        if outbox.isOutboxShared { return try await outbox.changeOutbox(entry.number, .retry) ? .done : .missing }
        guard entry.failure != nil else {
            hooks[entry.receiver]?.queue.hasten(entry.stream.name)
            pump(entry.receiver)
            return .done
        }
        guard hooks[entry.receiver]?.queue.holds(entry.number) != true else { return .isRunning }
        guard try await outbox.changeOutbox(entry.number, .retry) else { return .missing }
        var item = DeliveryQueue.Item(entry)
        item.waitingSince = time.wallMilliseconds()
        hooks[entry.receiver]?.queue.add(item)
        pump(entry.receiver)
        return .done
    }

    /// Takes an entry away, told or not.
    func drop(_ entry: OutboxEntry) async throws(StoreError) -> Outcome {
        let name = entry.receiver
        guard hooks[name]?.queue.drop(entry.number, of: entry.stream.name) ?? true else { return .isRunning }
        defer { pump(name) }
        return try await outbox.changeOutbox(entry.number, .remove) ? .done : .missing
    }

    /// The moment that `HookStanding.oldest` is compared with.
    nonisolated var wallMilliseconds: UInt64 { time.wallMilliseconds() }

    var standings: [HookStanding] {
        names.compactMap { name in
            hooks[name].map { hook in
                HookStanding(
                    name: name,
                    prefixes: hook.setting.prefixes.map(\.description),
                    isDisabled: hook.queue.isDisabled,
                    waiting: hook.queue.count,
                    oldest: hook.queue.oldest,
                    counts: hook.counts,
                    trouble: hook.trouble
                )
            }
        }
    }
}
