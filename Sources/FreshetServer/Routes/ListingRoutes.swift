import NIOHTTP1
package import StreamCore
import StreamHTTP

/// `GET /v1/streams` lists streams; `GET /v1/streams/{name}` tells of one.
package struct ListingRoutes: Sendable {
    private static let path = "/v1/streams"
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

    func plan(_ request: RouteRequest, _ caller: RouteCaller) -> RequestPlan? {
        let path = request.target.rawPath
        guard path == Self.path || path.utf8.starts(with: "\(Self.path)/".utf8) else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return .answer(Response(.method(allowed: "GET, HEAD, OPTIONS")))
        }
        if let suffix = request.target.pathSuffix(after: "\(Self.path)/") {
            return .act { [self] in await .response(one(suffix, caller)) }
        }
        let prefix = request.target.values("prefix").first ?? ""
        let cursor = request.target.values("cursor").first
        return .act { [self] in await .response(list(prefix: prefix, cursor: cursor, caller)) }
    }

    private func one(_ text: String?, _ caller: RouteCaller) async -> Response {
        guard let text, let name = try? StreamName(text) else {
            return Response(
                Problem(
                    400,
                    "bad-name",
                    title: "This is no name of a stream.",
                    detail: "The name after \(Self.path)/ is the one after /v1/stream/."
                )
            )
        }
        if name.isReserved { return Response(.reservedName) }
        if let problem = caller.refusal(.read, name.text) { return Response(problem) }
        do throws(StoreError) {
            guard let info = try await streams.info(name) else { return Response(.unknownStream(name)) }
            var body: [UInt8] = []
            append(info, await figures(name), to: &body)
            body.append(UInt8(ascii: "\n"))
            return Self.json(body)
        } catch {
            return Response(Problem(error))
        }
    }

    private func list(prefix: String, cursor: String?, _ caller: RouteCaller) async -> Response {
        do throws(StoreError) {
            let found = try await streams.list(prefix: prefix, after: cursor, limit: Self.mostPerPage)
            var body = Array("{\"streams\":[".utf8)
            var isFirst = true
            for info in found where !info.name.isReserved && caller.refusal(.read, info.name.text) == nil {
                if !isFirst { body.append(UInt8(ascii: ",")) }
                isFirst = false
                append(info, to: &body)
            }
            body.append(contentsOf: "],\"next\":".utf8)
            if found.count == Self.mostPerPage, let last = found.last {
                JSONWriter.appendString(last.name.text, to: &body)
            } else {
                body.append(contentsOf: "null".utf8)
            }
            body.append(contentsOf: "}\n".utf8)
            return Self.json(body)
        } catch {
            return Response(Problem(error))
        }
    }

    private func append(_ info: StreamInfo, _ figures: [StreamFigures] = [], to body: inout [UInt8]) {
        let attendance = streams.attendance(of: info.name)
        body.append(contentsOf: "{\"name\":".utf8)
        JSONWriter.appendString(info.name.text, to: &body)
        body.append(contentsOf: ",\"contentType\":".utf8)
        JSONWriter.appendString(info.options.contentType.text, to: &body)
        body.append(contentsOf: ",\"events\":\(info.events),\"bytes\":\(info.bytes)".utf8)
        body.append(contentsOf: ",\"earliest\":\"\(info.floor.text)\",\"tail\":\"\(info.tail.text)\",\"end\":".utf8)
        if let end = info.end {
            body.append(contentsOf: "{\"reason\":\"\(end.reason.rawValue)\",\"detail\":".utf8)
            if let detail = end.detail {
                JSONWriter.appendString(detail, to: &body)
            } else {
                body.append(contentsOf: "null".utf8)
            }
            body.append(UInt8(ascii: "}"))
        } else {
            body.append(contentsOf: "null".utf8)
        }
        let lease = info.end == nil ? info.options.leaseSeconds.map(String.init) : nil
        body.append(contentsOf: ",\"readers\":\(attendance.readers),\"producers\":\(attendance.liveProducers)".utf8)
        body.append(contentsOf: ",\"lease\":\(lease ?? "null")".utf8)
        body.append(contentsOf: ",\"leaseRemaining\":\(Self.seconds(attendance.leaseRemaining))".utf8)
        body.append(contentsOf: ",\"expiry\":\(Self.expiry(info.options.expiry))".utf8)
        body.append(contentsOf: ",\"expiresIn\":\(Self.seconds(attendance.expiresIn))".utf8)
        body.append(contentsOf: ",\"forkedFrom\":".utf8)
        if let origin = info.forkedFrom {
            JSONWriter.appendString(origin.source.text, to: &body)
        } else {
            body.append(contentsOf: "null".utf8)
        }
        for figures in figures { body.append(contentsOf: ",\(figures.json)".utf8) }
        body.append(UInt8(ascii: "}"))
    }

    private static func expiry(_ expiry: StreamOptions.Expiry?) -> String {
        switch expiry {
        case .idle(let seconds): "{\"ttl\":\(seconds)}"
        case .at(let moment): "{\"at\":\"\(Timestamp.text(milliseconds: moment))\"}"
        case nil: "null"
        }
    }

    private static func seconds(_ duration: Duration?) -> String {
        duration.map { "\(Int(($0 / .seconds(1)).rounded(.up)))" } ?? "null"
    }

    private static func json(_ body: [UInt8]) -> Response {
        Response(200, headers: [HeaderField("Content-Type", "application/json"), StreamFields.noStore], body: body)
    }
}
