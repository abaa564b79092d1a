import Freshet

if #available(macOS 14, *) {
    let chat = Route.get("/api/chat-stream") { _ in
        .stream(contentType: "text/event-stream") { response in
            try await response.write("data: Hello\n\n")
            try await Task.sleep(for: .seconds(1))
            try await response.write("data: World\n\n")
            try await Task.sleep(for: .seconds(3600))  // DO NOT call res.end()
        }
    }
    try await EmbeddedServer(configuration: .init(port: 8080), routes: [chat])
        .runService()
}
