import Dispatch
import Foundation

/// Standard input, and the signals that ask a program in a pipe to stop.
@available(freshet 0.1, *)
struct StandardInput: ProducerInput {
    /// Reads block, so they have a thread of their own.
    private let queue = DispatchQueue(label: "freshet.stdin")

    func read(_ done: @escaping @Sendable (InputPiece) -> Void) {
        queue.async {
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = Foundation.read(STDIN_FILENO, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EAGAIN {
                    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                    _ = poll(&descriptor, 1, -1)
                    continue
                }
                switch count {
                case 1...: done(.bytes(Array(buffer.prefix(count))))
                case 0: done(.end)
                default: done(.failure("standard input cannot be read: \(String(cString: strerror(errno)))"))
                }
                return
            }
        }
    }

    /// SIGINT, SIGTERM and SIGHUP once; the second of a kind ends the process as it always does.
    func onInterrupt(_ stop: @escaping @Sendable () -> Void) {
        let signals = TrappedSignals.begin([SIGINT, SIGTERM] + TrappedSignals.hangUp())
        Task {
            for await number in signals {
                signal(number, SIG_DFL)
                stop()
            }
        }
    }
}
