import Locks

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Descriptors that are held for nothing, and given back when there are none left, so that who knocks can be told so.
///
/// They are taken early and so have low numbers: they help also when the limit was lowered below what is open, since a
/// limit bounds the numbers that new descriptors get.
@available(freshet 0.1, *)
final class DescriptorReserve: Sendable {
    static let size = 16

    private let held = Mutex<[CInt]>([])

    init() { refill() }

    deinit { release() }

    /// Takes what is missing. False when it cannot be had.
    @discardableResult
    func refill() -> Bool {
        held.withLock { held in
            while held.count < Self.size {
                let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { return false }
                held.append(descriptor)
            }
            return true
        }
    }

    /// Gives all of it back. False when there was nothing.
    @discardableResult
    func release() -> Bool {
        held.withLock { held in
            for descriptor in held { close(descriptor) }
            defer { held = [] }
            return !held.isEmpty
        }
    }
}
