#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A library of this machine that is used where it is there, and that nothing else needs. Loaded once, and never
/// unloaded.
@available(freshet 0.1, *)
struct LoadedLibrary {
    /// A bit pattern, since a pointer is not `Sendable`.
    private let handle: UInt

    /// - Parameter names: Of these the first that there is.
    init?(_ names: [String]) {
        guard let handle = names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else { return nil }
        self.handle = UInt(bitPattern: handle)
    }

    /// - Parameter type: The function's type, which is `@convention(c)`: nothing checks it.
    func function<Function>(_ name: String, as type: Function.Type) -> Function? {
        guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: handle), name) else { return nil }
        return unsafeBitCast(symbol, to: type)
    }
}
