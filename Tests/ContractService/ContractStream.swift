import AsyncHTTPClient
import EventSource
import Foundation
import NIOCore
import NIOHTTP1

/// One `EventSource`, and what it delivers, sent to the harness one message after the other.
@available(freshet 0.1, *)
final class ContractStream: Sendable {
    private let source: EventSource
    private let task: Task<Void, Never>

    init(_ parameters: StreamParameters, over transport: (any EventSourceTransport)?) {
        let source = EventSource(
            url: parameters.streamUrl,
            configuration: parameters.configuration,
            transport: transport
        )
        self.source = source
        task = Task {
            var callbacks = Callbacks(url: parameters.callbackUrl)
            do {
                do {
                    for try await element in source {
                        if let message = CallbackMessage(element) { try await callbacks.send(message) }
                    }
                } catch let error as EventSourceError {
                    try await callbacks.send(CallbackMessage(error: error.message))
                }
            } catch {
                // The harness closes a test's callback endpoint before its stream.
                if !Task.isCancelled { FileHandle.standardError.write(Data("callback failed: \(error)\n".utf8)) }
            }
        }
    }

    func restart() {
        source.restart()
    }

    func close() {
        task.cancel()
    }
}

/// Where the messages about one stream go; each has its number in the path.
@available(freshet 0.1, *)
private struct Callbacks {
    struct Refused: Error {
        var status: UInt
    }

    let url: String
    private var count = 0

    init(url: String) {
        self.url = url
    }

    mutating func send(_ message: CallbackMessage) async throws {
        count += 1
        var request = HTTPClientRequest(url: "\(url)/\(count)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(message)))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        guard (200..<300).contains(response.status.code) else { throw Refused(status: response.status.code) }
    }
}
