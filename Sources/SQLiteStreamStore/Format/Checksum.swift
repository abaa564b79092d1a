/// The checksum of a row: over its table, its key and its content.
enum Checksum {
    static func of(_ content: ArraySlice<UInt8>, _ table: Table, key: Int64) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(Int64(table.rawValue))
        checksum.add(key)
        checksum.add(content)
        return checksum.value
    }

    /// The checksum a row carries.
    static func carried(by row: [UInt8]) -> UInt32 {
        row.prefix(4).enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
    }
}
