import CSQLite
import StreamCore

/// The millisecond that no offset has reached yet, synced before any offset does.
///
/// It is a file of its own, beside the database: when the database's last commits are lost, with the machine's power
/// or with a damaged log, their offsets must still not be given out a second time.
@available(freshet 0.1, *)
struct OffsetMark {
    private let file: PlainFile
    private(set) var value: UInt64
    private var slot: Int

    /// How far ahead of use the mark is written.
    static let ahead: UInt64 = 10_000
    /// The two copies are written in turn, in different sectors: a torn write leaves the other.
    private static let slotSize = 512
    private static let table = 5

    /// Opens the mark, or makes one that starts at zero.
    init(_ path: String, layer: String?) throws(DirectoryError) {
        var found: [(value: UInt64, slot: Int)] = []
        var isEmpty = true
        do throws(SQLiteError) {
            file = try PlainFile(path, access: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, layer: layer)
            for slot in 0..<2 {
                let bytes = try file.read(12, at: slot * Self.slotSize)
                // The file of a first write that was not synced may have its length and nothing in it.
                if bytes.contains(where: { $0 != 0 }) { isEmpty = false }
                if let value = Self.decode(bytes) { found.append((value, slot)) }
            }
        } catch {
            throw DirectoryError("\(path) cannot be used, while \(error.action): \(error.description).")
        }
        guard let newest = found.max(by: { $0.value < $1.value }) else {
            guard isEmpty else {
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
    mutating func write(_ mark: UInt64) throws(SQLiteError) {
        guard mark > value else { return }
        let next = 1 - slot
        try file.write(Self.encode(mark), at: next * Self.slotSize)
        try file.sync()
        value = mark
        slot = next
    }

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
        guard let file = try? PlainFile(path, access: SQLITE_OPEN_READONLY, layer: nil) else { return nil }
        return (0..<2).contains { slot in
            (try? file.read(12, at: slot * slotSize)).flatMap(decode) != nil
        }
    }
}
