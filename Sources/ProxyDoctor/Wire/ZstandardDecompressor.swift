/// Undoes `zstd` (RFC 8878) with libzstd, whose interface of version 1 is zstd.h.
final class ZstandardDecompressor: Decompressor {
    /// `ZSTD_inBuffer` and `ZSTD_outBuffer`, which look alike.
    private struct Buffer {
        var bytes: UnsafeMutableRawPointer?
        var size: Int
        var position = 0
    }

    private struct Functions: Sendable {
        typealias Create = @convention(c) @Sendable () -> OpaquePointer?
        typealias Decompress =
            @convention(c) @Sendable (OpaquePointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int
        typealias IsError = @convention(c) @Sendable (Int) -> UInt32
        typealias Destroy = @convention(c) @Sendable (OpaquePointer) -> Int

        let create: Create
        let decompress: Decompress
        let isError: IsError
        let destroy: Destroy

        init?() {
            guard let library = LoadedLibrary(["libzstd.so.1", "libzstd.1.dylib"]),
                let create = library.function("ZSTD_createDStream", as: Create.self),
                let decompress = library.function("ZSTD_decompressStream", as: Decompress.self),
                let isError = library.function("ZSTD_isError", as: IsError.self),
                let destroy = library.function("ZSTD_freeDStream", as: Destroy.self)
            else {
                return nil
            }
            self.create = create
            self.decompress = decompress
            self.isError = isError
            self.destroy = destroy
        }
    }

    private static let functions = Functions()

    private let functions: Functions
    private let stream: OpaquePointer
    private(set) var isBroken = false

    /// Nil where there is no libzstd.
    init?() {
        guard let functions = Self.functions, let stream = functions.create() else { return nil }
        self.functions = functions
        self.stream = stream
    }

    deinit { _ = functions.destroy(stream) }

    func inflate(_ bytes: [UInt8]) -> [UInt8] {
        guard !isBroken, !bytes.isEmpty else { return [] }
        var output: [UInt8] = []
        var input = bytes
        var room = [UInt8](repeating: 0, count: 16 << 10)
        input.withUnsafeMutableBytes { bytes in
            var source = Buffer(bytes: bytes.baseAddress, size: bytes.count)
            var isFull = true
            // What is full may have more to give when everything was taken in.
            while isFull || source.position < source.size, output.count < Decompression.limit, !isBroken {
                room.withUnsafeMutableBytes { room in
                    var target = Buffer(bytes: room.baseAddress, size: room.count)
                    isBroken = functions.isError(functions.decompress(stream, &target, &source)) != 0
                    output.append(contentsOf: room[..<target.position])
                    isFull = target.position == target.size
                }
            }
        }
        return output
    }
}
