import Locks
import NIOCore
package import StreamCore

/// The streams of a node as their readers see them, on whatever event loops they are answered.
@available(freshet 0.1, *)
package final class StreamPlane: Sendable {
    package let streams: Streams
    /// Who waits for streams that do not exist yet.
    package let held: HeldReaders
    package let configuration: DataPlaneConfiguration
    /// One for each event loop that has had readers.
    private let planes = Mutex<[(eventLoop: any EventLoop, plane: NIOLoopBound<LoopPlane>)]>([])

    package init(streams: Streams, configuration: DataPlaneConfiguration) {
        self.streams = streams
        self.held = HeldReaders(names: configuration.heldNames, readers: configuration.heldReaders)
        self.configuration = configuration
    }

    /// The part of one event loop, from which it is called.
    func plane(on eventLoop: any EventLoop) -> LoopPlane {
        planes.withLock { planes in
            if let found = planes.first(where: { $0.eventLoop === eventLoop }) { return found.plane }
            let plane = LoopPlane(eventLoop: eventLoop, streams: streams, configuration: configuration, held: held)
            plane.start()
            let bound = NIOLoopBound(plane, eventLoop: eventLoop)
            planes.append((eventLoop, bound))
            return bound
        }.value
    }

    /// The sum of what the loops have counted.
    package func metrics() async -> DataPlaneMetrics {
        var sum = DataPlaneMetrics()
        for (eventLoop, plane) in planes.withLock(\.self) {
            if let part = try? await eventLoop.submit({ plane.value.metrics }).get() { sum = sum + part }
        }
        return sum
    }

    /// How many readers an event loop is asked for at once, so that its connections hardly wait: some tens of
    /// microseconds' worth.
    private static let slice = 200

    /// Some of the readers that follow a stream, and where the next ones begin; nil behind the last one. One that comes
    /// or goes meanwhile may be missing or be there twice.
    package func readers(
        of name: StreamName,
        from start: ReaderCursor,
        limit: Int
    ) async -> (readers: [ReaderStanding], next: ReaderCursor?) {
        let planes = planes.withLock(\.self)
        var found: [ReaderStanding] = []
        var cursor = start
        while cursor.loop < planes.count, found.count < limit {
            let (eventLoop, plane) = planes[cursor.loop]
            let first = cursor.index
            let wanted = min(Self.slice, limit - found.count)
            let look = eventLoop.submit { plane.value.readers(of: name, behind: first, limit: wanted) }
            let part = (try? await look.get()) ?? []
            found += part
            cursor.index += part.count
            if part.count < wanted {
                cursor.loop += 1
                cursor.index = 0
            }
        }
        return (found, cursor.loop < planes.count ? cursor : nil)
    }
}
