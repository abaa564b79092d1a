import ArgumentParser
import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

@main
struct Freshet: AsyncParsableCommand {
    func run() async throws { print("hi") }
}
