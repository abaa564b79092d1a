/// Undoes `br` (RFC 7932) with libbrotlidec, whose interface of version 1 is brotli/decode.h.
@available(freshet 0.1, *)
final class BrotliDecompressor: Decompressor {
    private struct Functions: Sendable {
        typealias Create =
            @convention(c) @Sendable (OpaquePointer?, OpaquePointer?, UnsafeMutableRawPointer?) -> OpaquePointer?
        typealias Decompress =
            @convention(c) @Sendable (
                OpaquePointer, UnsafeMutablePointer<Int>, UnsafeMutablePointer<UnsafePointer<UInt8>?>,
                UnsafeMutablePointer<Int>, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
                UnsafeMutablePointer<Int>?
            ) -> Int32
        typealias Destroy = @convention(c) @Sendable (OpaquePointer) -> Void

        let create: Create
        let decompress: Decompress
        let destroy: Destroy

        init?() {
            guard let library = LoadedLibrary(["libbrotlidec.so.1", "libbrotlidec.1.dylib"]),
                let create = library.function("BrotliDecoderCreateInstance", as: Create.self),
                let decompress = library.function("BrotliDecoderDecompressStream", as: Decompress.self),
                let destroy = library.function("BrotliDecoderDestroyInstance", as: Destroy.self)
            else {
                return nil
            }
            self.create = create
            self.decompress = decompress
            self.destroy = destroy
        }
    }

    /// `BrotliDecoderResult`.
    private enum Result {
        static let error: Int32 = 0
        static let success: Int32 = 1
        static let needsMoreOutput: Int32 = 3
    }

    private static let functions = Functions()

    private let functions: Functions
    private let decoder: OpaquePointer
    private var input = PendingInput()
    private var hasMore = false
    private(set) var isBroken = false
    private(set) var isComplete = false

    /// Nil where there is no libbrotlidec.
    init?() {
        guard let functions = Self.functions, let decoder = functions.create(nil, nil, nil) else { return nil }
        self.functions = functions
        self.decoder = decoder
    }

    deinit { functions.destroy(decoder) }

    func feed(_ bytes: [UInt8]) {
        input.append(bytes)
        hasMore = !isBroken
    }

    func next() -> [UInt8] {
        guard !isBroken, hasMore else { return [] }
        // Nothing follows the end of a body.
        guard !isComplete else {
            isBroken = !input.isEmpty
            return []
        }
        let (bytes, position) = (input.bytes, input.position)
        return [UInt8](unsafeUninitializedCapacity: Decompression.part) { room, count in
            bytes.withUnsafeBufferPointer { bytes in
                var rest = bytes.count - position
                var next = bytes.baseAddress.map { $0 + position }
                var left = room.count
                var end = room.baseAddress
                let result = functions.decompress(decoder, &rest, &next, &left, &end, nil)
                input.position = bytes.count - rest
                count = room.count - left
                hasMore = result == Result.needsMoreOutput || rest > 0
                isComplete = result == Result.success
                isBroken = result == Result.error
            }
        }
    }
}
