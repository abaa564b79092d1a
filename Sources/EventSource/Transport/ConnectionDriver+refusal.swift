@available(freshet 0.1, *)
extension ConnectionDriver {
    /// The same, with what the response says about it where its status is final.
    func telling(_ next: Machine.Next, _ response: Response) async -> Machine.Next {
        guard case .fail(var error) = next, error.code == .status else { return next }
        error.body = await beginning(of: response)
        return .fail(error)
    }

    /// The first 16 KiB of what a refusal says, or what of it comes within five seconds.
    private func beginning(of response: Response) async -> String {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                var text: [UInt8] = []
                var chunks = response.body.makeAsyncIterator()
                while text.count < 16 * 1024, let chunk = try? await chunks.next() { text += chunk }
                return String(decoding: text.prefix(16 * 1024), as: UTF8.self)
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(5))
                return nil
            }
            var text = ""
            for await finished in group {
                group.cancelAll()
                if let finished { text = finished }
            }
            return text
        }
    }
}
