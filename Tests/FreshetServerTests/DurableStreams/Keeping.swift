import Foundation
import SQLiteStreamStore
import StreamCore

/// Where the streams of a test are kept: what the protocol asks holds for every store.
enum Keeping: String, CaseIterable, Sendable {
    case memory, sqlite

    func store(in directory: TemporaryDirectory, _ time: any TimeSource) throws -> any StreamStore {
        switch self {
        case .memory: MemoryStreamStore(time: time)
        case .sqlite:
            try SQLiteStreamStore(
                directory: directory.path,
                configuration: SQLiteStoreConfiguration(durability: .os),
                time: time
            )
        }
    }
}

/// The name of a directory that is gone with the test.
final class TemporaryDirectory: Sendable {
    let path = NSTemporaryDirectory() + "freshet-test-" + UUID().uuidString

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
