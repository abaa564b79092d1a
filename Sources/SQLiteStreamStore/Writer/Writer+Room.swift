import StreamCore

/// Keeping a reserve of the disk free. Where everything is full nothing can be deleted either: to delete is to write.
@available(freshet 0.1, *)
extension Writer {
    private static let pageBytes = 4096

    /// Bytes that may still be written without touching the reserve.
    func measureRoom() -> Int {
        guard let disk = configuration.room(directory.path) else { return .max }
        // What is in the log may all be new to the database.
        let room = disk.free - disk.reserve - logSize.pages * Self.pageBytes
        let isShort = room < disk.reserve
        if isShort, !isShortOfRoom { mayShrink = true }
        isShortOfRoom = isShort
        guard isShort else { return room }
        // Most of it has been copied, or can be.
        guard let left = try? database.checkpoint(), let disk = configuration.room(directory.path) else { return room }
        return disk.free - disk.reserve - left * Self.pageBytes
    }
}
