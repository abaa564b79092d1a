import Locks
import NIOCore
package import StreamCore

/// The streams of a node as their readers see them, on whatever event loops they are answered.
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
}
