/// Undoes `zstd` (RFC 8878) with libzstd, whose interface of version 1 is zstd.h.
@available(freshet 0.1, *)
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
        typealias SetParameter = @convention(c) @Sendable (OpaquePointer, Int32, Int32) -> Int
        typealias IsError = @convention(c) @Sendable (Int) -> UInt32
        typealias Destroy = @convention(c) @Sendable (OpaquePointer) -> Int

        let create: Create
        let setParameter: SetParameter
        let decompress: Decompress
        let isError: IsError
        let destroy: Destroy

        init?() {
            guard let library = LoadedLibrary(["libzstd.so.1", "libzstd.1.dylib"]),
                let create = library.function("ZSTD_createDStream", as: Create.self),
                let setParameter = library.function("ZSTD_DCtx_setParameter", as: SetParameter.self),
                let decompress = library.function("ZSTD_decompressStream", as: Decompress.self),
                let isError = library.function("ZSTD_isError", as: IsError.self),
                let destroy = library.function("ZSTD_freeDStream", as: Destroy.self)
            else {
                return nil
            }
            self.create = create
            self.setParameter = setParameter
            self.decompress = decompress
            self.isError = isError
            self.destroy = destroy
        }
    }

    private static let functions = Functions()

    private let functions: Functions
    private let stream: OpaquePointer
    private var input = PendingInput()
    /// What is full may have more to give when everything was taken in.
    private var hasMore = false
    private(set) var isBroken = false
    private(set) var isComplete = false

    /// Nil where there is no libzstd.
    init?() {
        guard let functions = Self.functions, let stream = functions.create() else { return nil }
        self.functions = functions
        self.stream = stream
        _ = functions.setParameter(stream, Self.windowLogMax, Decompression.zstandardWindowLog)
    }

    /// `ZSTD_d_windowLogMax`.
    private static let windowLogMax: Int32 = 100

    deinit { _ = functions.destroy(stream) }

    func feed(_ bytes: [UInt8]) {
        input.append(bytes)
        hasMore = !isBroken
    }

    func next() -> [UInt8] {
        var output: [UInt8] = []
        while !isBroken, hasMore, output.isEmpty {
            let (bytes, position) = (input.bytes, input.position)
            output = [UInt8](unsafeUninitializedCapacity: Decompression.part) { room, count in
                bytes.withUnsafeBytes { bytes in
                    // It is read only, as `const` says in zstd.h.
                    let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                    var source = Buffer(bytes: start, size: bytes.count, position: position)
                    var target = Buffer(bytes: room.baseAddress, size: room.count)
                    let result = functions.decompress(stream, &target, &source)
                    isBroken = functions.isError(result) != 0
                    isComplete = result == 0
                    input.position = source.position
                    count = isBroken ? 0 : target.position
                    hasMore = target.position == target.size && !isComplete || source.position < source.size
                }
            }
        }
        return output
    }
}
