import Foundation

/// How much the random tests do: little with every change, much every night.
enum Scale {
    static let isNightly = ProcessInfo.processInfo.environment["FRESHET_NIGHTLY"] != nil
    static let modelSeeds = isNightly ? 1000 : 20
    static let damages = isNightly ? 20_000 : 200
    static let powerLosses = isNightly ? 200 : 20
}
