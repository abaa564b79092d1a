package import StreamCore

/// The streams of a Redis, with all that is known of them, to be copied elsewhere. Nodes may be at work on them.
@available(freshet 0.1, *)
package struct RedisExport: StreamExport {
    private let store: RedisStreamStore

    package init(_ store: RedisStreamStore) {
        self.store = store
    }

    package var waitingCalls: Int { store.outboxUsage.entries }

    package func records(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamRecord] {
        let listed = try await store.list(NameRanges(prefixes: [prefix]), after: after, limit: limit)
        var records: [StreamRecord] = []
        for info in listed {
            // Gone meanwhile: whoever asks is told of the others, and of no fewer than there are.
            guard let record = try await record(of: info.name) else {
                records.append(StreamRecord(info))
                continue
            }
            if let source = record.info.forkedFrom?.source, try await store.isSoftDeleted(source) {
                records.append(Self.kept(source, for: record))
            }
            records.append(record)
        }
        return records
    }

    package func events(
        of record: StreamRecord,
        after offset: Offset,
        limit: PageLimit
    ) async throws(StoreError) -> ExportedPage? {
        let name = record.info.name
        guard let stream = try await store.stream(name), stream.info.birth == record.info.birth,
            let page = try await store.runs(name, from: .after(offset), limit: limit)
        else { return nil }
        guard page.standing == .exact else { return ExportedPage(standing: page.standing) }
        let now = Int64(try await store.serverTime())
        var exported = ExportedPage()
        for run in page.runs {
            guard let all = run.events else {
                throw .damaged("Events of the stream \(name) after \(offset) are not what was kept.")
            }
            let part = all[all.index(after: max(offset, page.after))..<all.index(after: record.info.tail)]
            guard !part.isEmpty else { continue }
            let age = Duration.milliseconds(max(0, now - Int64(clamping: run.first.milliseconds)))
            exported.parts.append(ExportedPage.Part(run: part, age: age))
        }
        return exported
    }

    /// All of a stream at one moment; nil where there is none.
    private func record(of name: StreamName) async throws(StoreError) -> StreamRecord? {
        while let before = try await store.stream(name) {
            let fields = try await store.fields(of: name)
            guard let after = try await store.stream(name) else { return nil }
            // Something was appended meanwhile, or it was made anew: ask again.
            guard before.info.birth == after.info.birth, before.info.tail == after.info.tail,
                before.info.end == after.info.end
            else { continue }
            return try record(of: after, fields)
        }
        return nil
    }

    private func record(of stream: StreamReply, _ fields: [RESPPair]) throws(StoreError) -> StreamRecord {
        var record = StreamRecord(
            stream.info,
            createdLeaseSeconds: stream.createdWith.leaseSeconds,
            origin: stream.origin,
            idle: stream.unusedFor,
            endedAge: stream.info.end == nil ? nil : stream.silentFor
        )
        for field in fields {
            guard let name = field.key.bytes, let value = field.value.bytes else { throw .damagedReply }
            switch name.prefix(2) {
            case [UInt8(ascii: "p"), UInt8(ascii: ":")]:
                guard let state = ProducerState(record: value) else { throw .damagedReply }
                record.producers[String(decoding: name.dropFirst(2), as: UTF8.self)] = state
            case [UInt8(ascii: "o"), UInt8(ascii: ":")]: record.hadOpenProducer = true
            case [UInt8(ascii: "s")]: record.sequence = String(decoding: value, as: UTF8.self)
            case [UInt8(ascii: "k")]:
                guard let stamp = ProducerStamp(record: value) else { throw .damagedReply }
                record.closingStamp = stamp
            default: break
            }
        }
        return record
    }

    /// A source of a fork that is gone: of what it was nothing is known but its name, and that the fork began there.
    private static func kept(_ source: StreamName, for fork: StreamRecord) -> StreamRecord {
        let info = StreamInfo(
            name: source,
            options: fork.info.options,
            birth: fork.origin,
            floor: fork.origin,
            tail: fork.origin,
            end: nil,
            events: 0,
            bytes: 0
        )
        return StreamRecord(info, isSoftDeleted: true)
    }
}

@available(freshet 0.1, *)
extension RedisStreamStore {
    /// The fields of a stream's meta hash.
    func fields(of name: StreamName) async throws(StoreError) -> [RESPPair] {
        var command = RedisCommand("HGETALL")
        command.add(keys.base(of: name) + ":m".utf8)
        guard case .map(let pairs) = try await reader.send([command], .reads)[0] else { throw .damagedReply }
        return pairs
    }
}

@available(freshet 0.1, *)
extension ProducerState {
    /// As the functions pack it: epoch and sequence, seven bytes each, the highest first.
    fileprivate init?(record: [UInt8]) {
        guard record.count == 14 else { return nil }
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(epoch: number(record[..<7]), sequence: number(record[7...]))
    }
}

@available(freshet 0.1, *)
extension ProducerStamp {
    /// As the functions write it: `<epoch> <sequence> <id>`.
    fileprivate init?(record: [UInt8]) {
        let parts = record.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let epoch = UInt64(String(decoding: parts[0], as: UTF8.self)),
            let sequence = UInt64(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        self.init(id: String(decoding: parts[2], as: UTF8.self), epoch: epoch, sequence: sequence)
    }
}
