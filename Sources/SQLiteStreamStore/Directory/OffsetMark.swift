import StreamCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The millisecond that no offset has reached yet, synced before any offset does.
///
/// It is a file of its own, beside the database: when the database's last commits are lost, with the machine's power
/// or with a damaged log, their offsets must still not be given out a second time.
struct OffsetMark {
    private let file: Int32
    private(set) var value: UInt64
    private var slot: Int

    /// How far ahead of use the mark is written.
    static let ahead: UInt64 = 10_000
    /// The two copies are written in turn, in different sectors: a torn write leaves the other.
    private static let slotSize = 512
    private static let table = 5

    /// Opens the mark, or makes one that starts at zero. Nil as the value when there was none.
    init(_ path: String) throws(DirectoryError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DirectoryError("\(path) cannot be opened: \(DataDirectory.reason).") }
        self.file = file
        var found: [(value: UInt64, slot: Int)] = []
        var isEmpty = true
        for slot in 0..<2 {
            var bytes = [UInt8](repeating: 0, count: 12)
            let count = pread(file, &bytes, bytes.count, off_t(slot * Self.slotSize))
            if count > 0 { isEmpty = false }
            if count == bytes.count, let value = Self.decode(bytes) { found.append((value, slot)) }
        }
        guard let newest = found.max(by: { $0.value < $1.value }) else {
            guard isEmpty else {
                close(file)
                throw DirectoryError(
                    "\(path) is damaged: it says which event ids were given out. If the machine's clock is right, "
                        + "delete the file and start again: ids then go on from the clock."
                )
            }
            value = 0
            slot = 0
            return
        }
        (value, slot) = newest
    }

    /// Keeps a new mark. What is returned to is on the disk.
    mutating func write(_ mark: UInt64) throws(StoreError) {
        guard mark > value else { return }
        let next = 1 - slot
        let bytes = Self.encode(mark)
        guard pwrite(file, bytes, bytes.count, off_t(next * Self.slotSize)) == bytes.count else {
            throw errno == ENOSPC || errno == EDQUOT || errno == EFBIG
                ? .full(.disk) : .unavailable("The offset mark cannot be written: \(DataDirectory.reason).")
        }
        guard fsync(file) == 0 else {
            throw .unavailable("The offset mark cannot be synced: \(DataDirectory.reason).")
        }
        value = mark
        slot = next
    }

    func finish() { close(file) }

    private static func encode(_ value: UInt64) -> [UInt8] {
        let number = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        let checksum = checksum(number)
        return number + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * UInt32($0))) }
    }

    private static func decode(_ bytes: [UInt8]) -> UInt64? {
        let checksum = checksum(Array(bytes[..<8]))
        let carried = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[8 + $1]) << (8 * UInt32($1)) }
        guard checksum == carried else { return nil }
        return (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    }

    private static func checksum(_ number: [UInt8]) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(Int64(table))
        checksum.add(number)
        return checksum.value
    }

    /// Whether the file holds a mark; nil when there is no file.
    static func isSound(_ path: String) -> Bool? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        for slot in 0..<2 {
            var bytes = [UInt8](repeating: 0, count: 12)
            let count = pread(file, &bytes, bytes.count, off_t(slot * slotSize))
            if count == bytes.count, decode(bytes) != nil { return true }
        }
        return false
    }
}
