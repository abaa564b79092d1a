/// A stream as a store finds it again: what a node needs to take up its lease and its time to live.
package struct KeptStream: Sendable {
    package var info: StreamInfo
    /// How long ago it was last read or written, as far as the store was told.
    package var idle: Duration
    /// A live request was open when the process before this one died.
    package var hadLiveRequest: Bool

    package init(info: StreamInfo, idle: Duration, hadLiveRequest: Bool) {
        self.info = info
        self.idle = idle
        self.hadLiveRequest = hadLiveRequest
    }
}
