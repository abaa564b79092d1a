import CForgetfulDisk

/// A disk that forgets what was not synced, when the power goes.
///
/// `@unchecked Sendable`: everything behind the pointer is guarded by a lock of its own.
final class ForgetfulDisk: @unchecked Sendable {
    private let disk: OpaquePointer
    /// The file layer, for a store's configuration.
    let layer: String

    /// The power goes before the operation of that number, for ever.
    init(seed: UInt64, operations: Int) {
        disk = freshet_disk_make(seed, Int64(operations))
        layer = String(cString: freshet_disk_name(disk))
    }

    /// No store may use it any more.
    deinit { freshet_disk_free(disk) }

    var isLost: Bool { freshet_disk_is_lost(disk) }

    /// What is found of a directory when the machine starts again.
    func survivors(of directory: TemporaryDirectory) throws -> TemporaryDirectory {
        let survivors = TemporaryDirectory()
        guard freshet_disk_survivors(disk, survivors.path) else { throw CannotWrite() }
        // What this machine had from the one before, and never opened.
        for name in try directory.persistentNames where !freshet_disk_knows(disk, directory.file(name)) {
            try survivors.write(try directory.bytes(of: name), to: name)
        }
        return survivors
    }

    private struct CannotWrite: Error {}
}
