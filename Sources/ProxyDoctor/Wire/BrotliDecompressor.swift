/// Undoes `br` (RFC 7932) with libbrotlidec, whose interface of version 1 is brotli/decode.h.
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
        static let needsMoreOutput: Int32 = 3
    }

    private static let functions = Functions()

    private let functions: Functions
    private let decoder: OpaquePointer
    private(set) var isBroken = false

    /// Nil where there is no libbrotlidec.
    init?() {
        guard let functions = Self.functions, let decoder = functions.create(nil, nil, nil) else { return nil }
        self.functions = functions
        self.decoder = decoder
    }

    deinit { functions.destroy(decoder) }

    func inflate(_ bytes: [UInt8]) -> [UInt8] {
        guard !isBroken, !bytes.isEmpty else { return [] }
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 << 10)
        bytes.withUnsafeBufferPointer { input in
            var rest = input.count
            var next = input.baseAddress
            var result = Result.needsMoreOutput
            while result == Result.needsMoreOutput, output.count < Decompression.limit {
                let count = room.withUnsafeMutableBufferPointer { room in
                    var left = room.count
                    var end = room.baseAddress
                    result = functions.decompress(decoder, &rest, &next, &left, &end, nil)
                    return room.count - left
                }
                output.append(contentsOf: room[..<count])
            }
            if result == Result.error { isBroken = true }
        }
        return output
    }
}
