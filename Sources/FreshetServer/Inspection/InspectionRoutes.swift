import NIOCore
import StreamCore
package import StreamHTTP
import TextCodecs

/// `GET /v1/readers?stream=NAME` tells who reads a stream, and from where.
///
/// A page of it takes a while to write, so that it is made on a thread of its own; the event loops are asked for a few
/// readers at a time.
@available(freshet 0.1, *)
package actor InspectionRoutes {
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        BackgroundThread.requests.asUnownedSerialExecutor()
    }

    static let path = "/v1/readers"
    private static let mostPerPage = 1000
    private let plane: StreamPlane

    package init(plane: StreamPlane) {
        self.plane = plane
    }

    nonisolated func plan(_ request: RouteRequest, _ caller: RouteCaller) -> RequestPlan? {
        guard request.target.rawPath == Self.path else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return .respond(Response(.method(allowed: "GET, HEAD, OPTIONS")))
        }
        do throws(Problem) {
            guard let text = request.target.values("stream").first, let name = try? StreamName(text) else {
                throw .badParameter("stream", "the name of a stream, as it follows /v1/stream/")
            }
            if name.isReserved { throw .reservedName }
            if let problem = caller.refusal(.inspect, name.text) { throw problem }
            var cursor = ReaderCursor()
            if let text = request.target.values("cursor").first {
                guard let found = ReaderCursor(text) else { throw .badParameter("cursor", "what `next` said") }
                cursor = found
            }
            let limit = try request.target.pageLimit(most: Self.mostPerPage)
            return .act { [self, cursor] in await .response(readers(of: name, from: cursor, limit: limit)) }
        } catch {
            return .respond(Response(error))
        }
    }

    private func readers(of name: StreamName, from cursor: ReaderCursor, limit: Int) async -> Response {
        do throws(StoreError) {
            let found = await plane.readers(of: name, from: cursor, limit: limit)
            // After that: a reader is never beyond the tail.
            let tail = try await plane.streams.info(name)?.tail
            let body = JSONWriter.object { page in
                page.member("stream", name.text)
                page.member("tail", tail?.text)
                page.member(
                    "readers",
                    array: { readers in
                        for reader in found.readers {
                            readers.element(object: { Self.describe(reader, tail: tail, in: &$0) })
                        }
                    }
                )
                page.member("next", found.next?.text)
            }
            return .json(body + "\n".utf8)
        } catch {
            return Response(Problem(error))
        }
    }

    private static func describe(_ reader: ReaderStanding, tail: Offset?, in object: inout JSONWriter) {
        object.member("form", reader.form?.label ?? "long-poll")
        object.member("address", reader.address.isEmpty ? nil : reader.address)
        object.member("state", reader.state.rawValue)
        object.member("position", reader.position?.text)
        object.member("lag", raw: lag(reader.position, behind: tail).utf8)
        object.member("events", reader.events)
        object.member("connected", seconds(reader.age.nanoseconds))
        object.member("stalled", reader.stalledFor.map { seconds($0.nanoseconds) })
    }

    /// How much later the tail came than what the reader has, in seconds.
    private static func lag(_ position: Offset?, behind tail: Offset?) -> String {
        guard let position, let tail else { return "null" }
        guard position < tail else { return "0" }
        return "\(Double(tail.milliseconds - position.milliseconds) / 1000)"
    }

    private static func seconds(_ nanoseconds: Int64) -> Int { Int(nanoseconds / 1_000_000_000) }
}
