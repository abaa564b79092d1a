import NIOHTTP1

@available(freshet 0.1, *)
extension StreamClient {
    /// The response to a request that is sent once. Anything but success is told to the user and ends the command.
    func response(_ method: HTTPMethod, _ url: String, headers: [(String, String)] = []) async throws -> ServerResponse
    {
        let response: ServerResponse
        do {
            response = try await send(method, url, headers: headers)
        } catch {
            Terminal.note("no connection to \(url): \(error). Is a server running there?")
            throw ExitStatus.network.code
        }
        guard (200..<300).contains(response.status) else {
            Terminal.note(response.problem)
            throw (response.status == 404 || response.status == 410 ? ExitStatus.gone : .refused).code
        }
        guard response.coding == nil else {
            Terminal.note("\(url): \(response.problem); something on the way compresses (freshet doctor finds it)")
            throw ExitStatus.refused.code
        }
        return response
    }
}
