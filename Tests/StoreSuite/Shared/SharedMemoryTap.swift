import StreamCore

/// What a node is told of a stream, on its way to one who follows it there.
@available(freshet 0.1, *)
final class SharedMemoryTap: StreamWatcher {
    let watcher: any StreamWatcher
    private let node: SharedMemoryNode

    init(_ watcher: any StreamWatcher, at node: SharedMemoryNode) {
        self.watcher = watcher
        self.node = node
    }

    func signal(_ signal: StreamSignal) { node.pass(signal, to: self) }

    func wake() { watcher.wake() }
}
