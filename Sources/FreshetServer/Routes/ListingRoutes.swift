import PrintableText
package import StreamCore
package import StreamHTTP
import TextCodecs

/// `GET /v1/streams` lists streams; `GET /v1/streams/{name}` tells of one.
///
/// A page of a list takes milliseconds to write, so that it is made on a thread of its own.
@available(freshet 0.1, *)
package actor ListingRoutes {
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        BackgroundThread.requests.asUnownedSerialExecutor()
    }

    static let path = "/v1/streams"
    private static let folder = "\(path)/"
    private static let mostPerPage = 1000
    private let streams: Streams
    private let figures: @Sendable (StreamName) async -> [StreamFigures]

    /// - Parameter figures: what was measured of a stream, told where one is described.
    package init(
        streams: Streams,
        figures: @escaping @Sendable (StreamName) async -> [StreamFigures] = { _ in [] }
    ) {
        self.streams = streams
        self.figures = figures
    }

    nonisolated func plan(_ request: RouteRequest, _ caller: RouteCaller) -> RequestPlan? {
        let path = request.target.rawPath
        guard path == Self.path || path.begins(withBytesOf: Self.folder) else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            // Clients of the Durable Streams protocol put `/streams/` before a name, behind whatever base they are given.
            let hint =
                "Streams are written below `\(request.baseURL)/v1/stream`: that is the base URL for clients of the Durable "
                + "Streams protocol."
            return .respond(Response(.method(allowed: "GET, HEAD, OPTIONS", hint)))
        }
        if let suffix = request.target.pathSuffix(after: Self.folder) {
            return .act { [self] in await .response(one(suffix, caller)) }
        }
        let prefix = request.target.values("prefix").first ?? ""
        do throws(Problem) {
            let limit = try request.target.pageLimit(most: Self.mostPerPage)
            if let selection = try StreamSelection(request.target) {
                let visible = caller.admission.caller.names(with: .inspect)
                if visible.isEmpty, let problem = caller.refusal(.inspect, "") { throw problem }
                return .act { [self] in await .response(list(prefix: prefix, selection, limit: limit, caller)) }
            }
            let cursor = request.target.values("cursor").first
            return .act { [self] in await .response(list(prefix: prefix, cursor: cursor, limit: limit, caller)) }
        } catch {
            return .respond(Response(error))
        }
    }

    private nonisolated func one(_ text: String?, _ caller: RouteCaller) async -> Response {
        guard let text, let name = try? StreamName(text) else {
            return Response(
                Problem(
                    400,
                    "bad-name",
                    title: "Invalid stream name",
                    detail: "The name after \(Self.path)/ must be a stream name as in /v1/stream/{name}."
                )
            )
        }
        if name.isReserved { return Response(.reservedName) }
        if let problem = caller.refusal(.read, name.text) { return Response(problem) }
        do throws(StoreError) {
            guard let info = try await streams.info(name) else { return Response(.unknownStream(name)) }
            let figures = await figures(name)
            let attendance = await streams.attendance(of: [name])[0]
            return .json(JSONWriter.object { describe(info, attendance, caller, figures, in: &$0) } + "\n".utf8)
        } catch {
            return Response(Problem(error))
        }
    }

    private func list(prefix: String, cursor: String?, limit: Int, _ caller: RouteCaller) async -> Response {
        do throws(StoreError) {
            // Looked for only among what the caller may read: neither a page nor its cursor, nor the time it takes,
            // tells of anything else.
            let visible = caller.admission.caller.names(with: .read).without(prefix: StreamName.reservedPrefix)
            let found = try await streams.list(visible.beginning(with: prefix), after: cursor, limit: limit)
            return await page(found, next: found.count == limit ? found.last?.name.text : nil, caller)
        } catch {
            return Response(Problem(error))
        }
    }

    /// A page of a list by state, or in another order than that of the names: every stream is looked at, a thousand at
    /// a time, with others that ask served in between.
    private func list(
        prefix: String,
        _ selection: StreamSelection,
        limit: Int,
        _ caller: RouteCaller
    ) async -> Response {
        let visible = caller.admission.caller.names(with: .inspect).without(prefix: StreamName.reservedPrefix)
        let names = visible.beginning(with: prefix)
        var best = FirstStreams(selection, limit: limit)
        var last = selection.firstName
        do throws(StoreError) {
            while true {
                let part = try await streams.list(names, after: last, limit: Self.mostPerPage)
                for info in part { best.look(at: info) { streams.attendance(of: info.name).readers } }
                guard part.count == Self.mostPerPage, !best.isComplete else { break }
                last = part.last?.name.text
                await Task.yield()
            }
        } catch {
            return Response(Problem(error))
        }
        let (found, next) = best.page()
        var measured: [StreamName: [StreamFigures]] = [:]
        if selection.hasFigures { for info in found { measured[info.name] = await figures(info.name) } }
        return await page(found, measured, next: next?.text, caller)
    }

    private func page(
        _ found: [StreamInfo],
        _ measured: [StreamName: [StreamFigures]] = [:],
        next: String?,
        _ caller: RouteCaller
    ) async -> Response {
        let attendances = await streams.attendance(of: found.map(\.name))
        let body = JSONWriter.object { page in
            page.member(
                "streams",
                array: { streams in
                    for (info, attendance) in zip(found, attendances) {
                        let figures = measured[info.name] ?? []
                        streams.element(object: { describe(info, attendance, caller, figures, in: &$0) })
                    }
                }
            )
            page.member("next", next)
        }
        return .json(body + "\n".utf8)
    }

    private nonisolated func describe(
        _ info: StreamInfo,
        _ attendance: Streams.Attendance,
        _ caller: RouteCaller,
        _ figures: [StreamFigures],
        in stream: inout JSONWriter
    ) {
        stream.member("name", info.name.text)
        stream.member("contentType", info.options.contentType.text)
        stream.member("events", info.events)
        stream.member("bytes", info.bytes)
        stream.member("created", Timestamp.text(milliseconds: info.birth.milliseconds))
        stream.member("updated", Timestamp.text(milliseconds: info.updatedMilliseconds))
        stream.member("birth", info.birth.text)
        stream.member("earliest", info.floor.text)
        stream.member("tail", info.tail.text)
        if let end = info.end {
            stream.member(
                "end",
                object: {
                    $0.member("reason", end.reason.rawValue)
                    $0.member("detail", end.detail)
                    $0.member("offset", end.offset.text)
                }
            )
        } else {
            stream.member("end", String?.none)
        }
        stream.member("readers", attendance.readers)
        stream.member("producers", attendance.openProducers)
        if streams.isShared {
            stream.member("writers", array: { for writer in attendance.writers { $0.element(writer) } })
        }
        let isOpen = info.end == nil
        stream.member("lease", isOpen ? info.options.leaseSeconds.map { Int($0) } : nil)
        stream.member("leaseRemaining", Self.seconds(isOpen ? attendance.leaseRemaining : nil))
        switch info.options.expiry {
        case .idle(let seconds): stream.member("expiry", object: { $0.member("ttl", Int(seconds)) })
        case .at(let moment):
            stream.member("expiry", object: { $0.member("at", Timestamp.text(milliseconds: moment)) })
        case nil: stream.member("expiry", String?.none)
        }
        stream.member("expiresIn", Self.seconds(attendance.expiresIn))
        let source = info.forkedFrom?.source.text
        stream.member("forkedFrom", source.flatMap { caller.refusal(.read, $0) == nil ? $0 : nil })
        for figures in figures {
            stream.member(
                figures.member,
                object: { member in
                    for value in figures.values { member.member(value.name, raw: value.number.utf8) }
                }
            )
        }
    }

    private static func seconds(_ duration: Duration?) -> Int? {
        duration.map { Int(($0 / .seconds(1)).rounded(.up)) }
    }
}

@available(freshet 0.1, *)
extension Response {
    /// A JSON text that nobody keeps.
    package static func json(_ body: [UInt8]) -> Response {
        Response(
            200,
            headers: [HeaderField("Content-Type", "application/json"), StreamFields.noStore],
            body: PrintableText.escaped(json: body)
        )
    }
}
