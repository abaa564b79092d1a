import Locks

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where lines of the access log go. Written to by one thread, which may wait for it.
@available(freshet 0.1, *)
package protocol AccessLogOutput: Sendable {
    /// As the log names it.
    var name: String { get }
    /// Opens it, or opens it again under its name: what was open before stays where that fails.
    func open() throws(AccessLogTrouble)
    /// Writes all of it, however long that takes, or as much as can be.
    ///
    /// - Returns: how many bytes were written, and why not all, in the system's words.
    func write(_ bytes: [UInt8]) -> (count: Int, failure: String?)
}

/// A file of the access log that cannot be opened.
@available(freshet 0.1, *)
package struct AccessLogTrouble: Error, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "the access log \(path) cannot be opened: \(reason)" }
}

/// A file that lines are added to, or standard output.
@available(freshet 0.1, *)
package final class AccessLogFile: AccessLogOutput {
    /// What stands for standard output in place of a path.
    package static let standardOutput = "-"

    private let path: String
    /// Nil before it was opened. Of standard output it is not ours to close.
    private let descriptor = Mutex<Int32?>(nil)

    /// - Parameter path: of a file, which is made where there is none; `-` for standard output.
    package init(_ path: String) {
        self.path = path
    }

    deinit {
        if let open = descriptor.withLock(\.self), open != STDOUT_FILENO { close(open) }
    }

    package var name: String { path == Self.standardOutput ? "standard output" : path }

    package func open() throws(AccessLogTrouble) {
        guard path != Self.standardOutput else { return descriptor.withLock { $0 = STDOUT_FILENO } }
        // Names and addresses are in it: nobody reads it whom its owner did not let.
        let opened = Self.open(path)
        guard opened >= 0 else { throw AccessLogTrouble(path: path, reason: String(cString: strerror(errno))) }
        let former = descriptor.withLock { descriptor in
            defer { descriptor = opened }
            return descriptor
        }
        if let former { close(former) }
    }

    package func write(_ bytes: [UInt8]) -> (count: Int, failure: String?) {
        guard let number = descriptor.withLock(\.self) else { return (0, String(cString: strerror(EBADF))) }
        return bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = Self.write(number, UnsafeRawBufferPointer(rebasing: buffer[written...]))
                if count >= 0 {
                    written += count
                    continue
                }
                switch errno {
                case EINTR: break
                case EAGAIN:
                    var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&waiting, 1, -1)
                default: return (written, String(cString: strerror(errno)))
                }
            }
            return (written, nil)
        }
    }

    #if canImport(Glibc)
    private static func open(_ path: String) -> Int32 { Glibc.open(path, flags, 0o640) }
    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    }
    #elseif canImport(Musl)
    private static func open(_ path: String) -> Int32 { Musl.open(path, flags, 0o640) }
    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
    }
    #else
    private static func open(_ path: String) -> Int32 { Darwin.open(path, flags, 0o640) }
    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    }
    #endif

    private static let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
}
