import EventSource
import Foundation
import FreshetServer
import NIOHTTP1
import ServerSentEvents
import StreamCore
import StreamHTTP
import TextCodecs

/// The streams of a server, as it tells them to anybody who may read them.
@available(freshet 0.1, *)
struct ServerExport: StreamExport {
    let server: String
    let client: StreamClient

    /// What a description of a stream has, as far as a copy needs it.
    private struct Description: Decodable {
        struct End: Decodable {
            var reason: String
            var detail: String?
            var offset: String?
        }

        var name: String
        var contentType: String
        var events: Int
        var bytes: Int
        /// Nil where the server is older than this command.
        var birth: String?
        var earliest: String
        var tail: String
        var end: End?
        var producers: Int?
        var lease: Int?
        var expiry: StreamDescription.Expiry?
        var expiresIn: Int?
    }

    private struct Page: Decodable {
        var streams: [Description]
    }

    func records(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamRecord] {
        var url = "\(server)/v1/streams?limit=\(limit)&prefix=" + PercentEncoding.encode(prefix, keeping: .unreserved)
        if let after { url += "&cursor=" + PercentEncoding.encode(after, keeping: .unreserved) }
        let response = try await ask(url)
        guard response.status == 200 else { throw .unavailable("\(server): \(response.problem)") }
        guard let page = try? JSONDecoder().decode(Page.self, from: Data(response.body)) else {
            throw .unavailable(
                "\(url) is no Freshet server's: it answered with something other than a list of streams."
            )
        }
        var records: [StreamRecord] = []
        for description in page.streams { records.append(try await record(of: description)) }
        return records
    }

    func events(
        of record: StreamRecord,
        after offset: Offset,
        limit: PageLimit
    ) async throws(StoreError) -> ExportedPage? {
        var page = ExportedPage()
        guard offset < record.info.tail else { return page }
        var configuration = EventSource.Configuration.freshet(eventBytes: 1 << 30)
        configuration.format = .lines
        configuration.headers = client.authorization.map { (name: $0.0, value: $0.1) }
        configuration.lastEventID = offset.text
        configuration.givesUpAfter = .seconds(30)
        let name = record.info.name
        var events: [StreamEvent] = []
        var bytes = 0
        do {
            reading: for try await element in EventSource(
                url: url(of: name, "/v1/stream/"),
                configuration: configuration,
                client: client.http
            ) {
                switch element {
                case .event(let event):
                    guard let read = Self.event(event.type, event.data, event.lastEventID, record) else {
                        throw StoreError.damaged("The server sent an event of the stream \(name) that cannot be read.")
                    }
                    guard read.offset <= record.info.tail else { break reading }
                    events.append(read)
                    bytes += read.body.size
                    if read.offset == record.info.tail || events.count >= limit.events || bytes >= limit.bytes {
                        break reading
                    }
                case .gap: return ExportedPage(standing: .belowFloor)
                case .end(let end) where [.deleted, .expired].contains(end.reason): return nil
                case .end: break reading
                case .opened, .comment, .reconnecting, .start: break
                }
            }
        } catch let error as StoreError {
            throw error
        } catch let error as EventSourceError where error.status == 404 || error.status == 410 {
            return nil
        } catch {
            throw .unavailable("\(server): \((error as? EventSourceError)?.message ?? "\(error)").")
        }
        let now = SystemTime().wallMilliseconds()
        if let last = events.last {
            let age = Duration.milliseconds(Int64(now) - Int64(last.offset.milliseconds))
            page.parts = [ExportedPage.Part(run: EventRun(events), age: max(.zero, age))]
        }
        return page
    }

    private static func event(_ type: String, _ data: String, _ id: String, _ record: StreamRecord) -> StreamEvent? {
        guard let offset = Offset(id) else { return nil }
        let bytes: [UInt8]
        switch record.info.options.contentType.kind {
        case .json, .ndjson: bytes = Array(data.utf8)
        case .text, .eventStream:
            guard let text = JSONSlice(Array(data.utf8)).string else { return nil }
            bytes = Array(text.utf8)
        case .binary:
            guard let text = JSONSlice(Array(data.utf8)).string, let decoded = Base64.decode(Array(text.utf8)) else {
                return nil
            }
            bytes = decoded
        }
        return StreamEvent(offset: offset, body: EventBody(type: type == "message" ? nil : type, data: bytes))
    }

    private func record(of description: Description) async throws(StoreError) -> StreamRecord {
        guard let name = try? StreamName(description.name), let birth = description.birth.flatMap({ Offset($0) }),
            let floor = Offset(description.earliest), let tail = Offset(description.tail)
        else {
            throw .unavailable(
                "The server \(server) does not tell where its streams begin: it is older than this program. Update it, or "
                    + "stop it and copy its data directory."
            )
        }
        var end: StreamEnd?
        if let told = description.end {
            guard let reason = EndReason(rawValue: told.reason), let offset = told.offset.flatMap({ Offset($0) }) else {
                throw .unavailable("The server \(server) does not tell how the stream \(name) ended.")
            }
            end = StreamEnd(reason: reason, detail: told.detail, offset: offset)
        }
        let info = StreamInfo(
            name: name,
            options: try await options(of: name, description),
            birth: birth,
            floor: floor,
            tail: tail,
            end: end,
            events: description.events,
            bytes: description.bytes
        )
        let now = Int64(SystemTime().wallMilliseconds())
        let updated = Int64((end?.offset ?? tail).milliseconds)
        var idle = Duration.milliseconds(max(0, now - updated))
        if case .idle(let seconds) = info.options.expiry, let rest = description.expiresIn {
            idle = .seconds(max(0, seconds - rest))
        }
        return StreamRecord(
            info,
            createdLeaseSeconds: description.lease,
            // What the fork of a stream begins with is not told: that no position of its source is one of its own.
            origin: min(birth, floor),
            idle: idle,
            endedAge: end.map { .milliseconds(max(0, now - Int64($0.offset.milliseconds))) },
            hadOpenProducer: (description.producers ?? 0) > 0
        )
    }

    /// What a stream was created with, which its header fields say in full.
    private func options(of name: StreamName, _ description: Description) async throws(StoreError) -> StreamOptions {
        guard let type = ContentType(description.contentType) else {
            throw .unavailable("The server \(server) does not tell the type of the stream \(name).")
        }
        var options = StreamOptions(contentType: type, leaseSeconds: description.lease)
        let response = try await ask(url(of: name, "/v1/stream/"), head: true)
        // Gone meanwhile: that is found out when it is read.
        guard response.status == 200 else { return options }
        let headers = StreamHeaders(RequestFields(response.headers.map { ($0.name, $0.value) }))
        do {
            options.expiry = try headers.expiry()
            options.retention = try headers.retention()
            options.responseFields = try headers.responseFields()
        } catch {
            throw .unavailable("The server \(server) tells of the stream \(name) what this program does not know.")
        }
        return options
    }

    private func ask(_ url: String, head: Bool = false) async throws(StoreError) -> ServerResponse {
        do {
            return try await client.send(head ? .HEAD : .GET, url)
        } catch {
            throw .unavailable("No connection to \(server): \(error).")
        }
    }

    private func url(of name: StreamName, _ path: String) -> String {
        server + path + PercentEncoding.encode(name.text, keeping: .unreservedAndSlash)
    }
}
