import Foundation

/// How much the random tests do: little with every change, much every night.
enum Scale {
    static let isNightly = ProcessInfo.processInfo.environment["FRESHET_NIGHTLY"] != nil
    static let modelSeeds = isNightly ? 1000 : 20
    /// Of 200 damaged databases and 50 damaged logs each: a debug build takes some fifteen seconds for one.
    static let damageRuns: UInt64 = isNightly ? 25 : 1
    static let powerLosses = isNightly ? 200 : 20
}
