import NIOCore
package import StreamCore

/// The streams of a node as its readers see them, on whatever loops they are answered.
package final class StreamPlane: Sendable {
    private let streams: Streams
    private let held: HeldReaders
    private let configuration: DataPlaneConfiguration

    package init(streams: Streams, held: HeldReaders, configuration: DataPlaneConfiguration) {
        self.streams = streams
        self.held = held
        self.configuration = configuration
    }

    /// The part of one event loop, from which it is called.
    func makePlane(on eventLoop: any EventLoop) -> LoopPlane {
        let plane = LoopPlane(eventLoop: eventLoop, streams: streams, configuration: configuration, held: held)
        plane.start()
        return plane
    }
}
