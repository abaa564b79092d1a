/// What the streams of a node obey beyond what each was created with.
@available(freshet 0.1, *)
package struct StreamsConfiguration: Sendable, Hashable {
    /// Seconds a stream without a lease gets when a streaming append to it is torn; 0 means none.
    package var tornLeaseSeconds: Int
    /// How long ago a stream must have ended to be taken when the store is full; nil means never.
    package var endedAge: Duration?
    /// The most bytes of data that the streams of one owner keep together; nil where that is not counted.
    package var bytesPerOwner: Int?

    package init(tornLeaseSeconds: Int = 60, endedAge: Duration? = nil, bytesPerOwner: Int? = nil) {
        self.tornLeaseSeconds = tornLeaseSeconds
        self.endedAge = endedAge
        self.bytesPerOwner = bytesPerOwner
    }
}
