/// What a store holds now, as its limits count it.
@available(freshet 0.1, *)
package struct StoreUsage: Sendable, Equatable {
    package var streams: Int
    package var bytes: Int

    package init(streams: Int, bytes: Int) {
        self.streams = streams
        self.bytes = bytes
    }
}
