import NIOHTTP1

extension StreamClient {
    /// The answer to a request that is sent once. Anything but success is told to the user and ends the command.
    func answer(_ method: HTTPMethod, _ url: String, headers: [(String, String)] = []) async throws -> Answer {
        let answer: Answer
        do {
            answer = try await send(method, url, headers: headers)
        } catch {
            Terminal.note("no connection to \(url): \(error). Is a server running there?")
            throw ExitStatus.network.code
        }
        guard (200..<300).contains(answer.status) else {
            Terminal.note(answer.problem)
            throw (answer.status == 404 || answer.status == 410 ? ExitStatus.gone : .refused).code
        }
        return answer
    }
}
