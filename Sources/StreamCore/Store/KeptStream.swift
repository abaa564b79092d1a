/// A stream as a store finds it again: what a node needs to take up its lease and its time to live.
@available(freshet 0.1, *)
package struct KeptStream: Sendable {
    package var info: StreamInfo
    /// How long ago it was last read or written, as far as the store was told.
    package var idle: Duration
    /// A streaming append was open when the process before this one died.
    package var hadOpenProducer: Bool

    package init(info: StreamInfo, idle: Duration, hadOpenProducer: Bool) {
        self.info = info
        self.idle = idle
        self.hadOpenProducer = hadOpenProducer
    }
}
