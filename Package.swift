// swift-tools-version: 6.2
import PackageDescription

/// The tests turn warnings into errors, in our own targets only and in the one debug build that serves them all.
let strict: [SwiftSetting] =
    Context.environment["FRESHET_WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// Every target: Swift 6 mode, imports that show what a file uses, and async functions that stay on their
/// caller's executor, so that a store that answers at once costs no hop.
let settings: [SwiftSetting] =
    strict + [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    // What the thread sanitizer needs to see what a lock orders (Sources/Locks).
    + (Context.environment["FRESHET_THREAD_SANITIZER"] == nil ? [] : [.define("FRESHET_THREAD_SANITIZER")])

/// What a release build says of itself in `freshet --version`: `scripts/lib/release-build` sets it.
let release: [CSetting] = Context.environment["FRESHET_RELEASE"].map { [.define("FRESHET_RELEASE", to: $0)] } ?? []

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")

let package = Package(
    name: "freshet",
    // What Hummingbird needs. The libraries themselves would do with macOS 13 and iOS 16, for their clocks.
    platforms: [.macOS(.v14), .iOS(.v17)],
    products: [
        .library(name: "ServerSentEvents", targets: ["ServerSentEvents"]),
        .library(name: "EventSource", targets: ["EventSource"]),
        .library(name: "PartialJSON", targets: ["PartialJSON"]),
        .library(name: "Freshet", targets: ["Freshet"]),
        .library(name: "FreshetRelay", targets: ["FreshetRelay"]),
        .library(name: "FreshetHummingbird", targets: ["FreshetHummingbird"]),
        .executable(name: "freshet", targets: ["FreshetCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Floor 0: no dependencies, not even Foundation.
        .target(name: "ServerSentEvents", swiftSettings: settings),
        .target(name: "PartialJSON", swiftSettings: settings),
        // JSON, percent-encoding, base64 and hexadecimal, as bytes.
        .target(name: "TextCodecs", swiftSettings: settings),

        .target(name: "Locks", swiftSettings: settings),
        .target(name: "PrintableText", swiftSettings: settings),

        // Floor 1
        .target(
            name: "StreamCore",
            dependencies: [
                "Locks",
                "ServerSentEvents", "TextCodecs",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),

        // What the doctor and the server's probe say to each other.
        .target(
            name: "ProbeProtocol",
            dependencies: ["TextCodecs", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings
        ),

        // Floor 2
        .target(
            name: "StreamHTTP",
            dependencies: [
                "Locks",
                "PrintableText", "ServerSentEvents", "StreamCore", "TextCodecs", nio, nioPosix, nioHTTP1, nioTLS,
                nioSSL,
                logging,
                nioHTTP2,
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),
        // SQLite's C API. Only the durable store needs its header: who depends on a library product does not.
        .systemLibrary(
            name: "CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .yum(["sqlite-devel"]), .brew(["sqlite"])]
        ),
        .target(
            name: "SQLiteStreamStore",
            dependencies: [
                "Locks",
                "StreamCore", "CSQLite",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "EventSource",
            dependencies: [
                "Locks", "PrintableText", "ServerSentEvents", "TextCodecs", asyncHTTPClient, nio, nioPosix, nioHTTP1,
            ],
            swiftSettings: settings
        ),

        // Floor 3
        .target(name: "ProxyConfiguration", swiftSettings: settings),
        .target(
            name: "FreshetServer",
            dependencies: [
                "Locks",
                "PrintableText", "StreamCore", "SQLiteStreamStore", "StreamHTTP", "ProbeProtocol", "TextCodecs", nio,
                nioHTTP1, logging,
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            // Compiled in, as the pages of the demonstration are.
            resources: [.embedInCode("Browser/Modules"), .embedInCode("LivePage/Page")],
            swiftSettings: settings
        ),
        // What `freshet demo` shows. A program that embeds a server does not compile it.
        .target(
            name: "FreshetDemo",
            dependencies: [
                "Locks",
                "FreshetServer", "PartialJSON", "StreamCore", "StreamHTTP", "TextCodecs", nio, nioPosix, nioHTTP1,
                nioSSL,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            // Compiled in, so that the program is one file that needs nothing beside it.
            resources: [.embedInCode("Pages/Site"), .embedInCode("Knowledge")],
            swiftSettings: settings
        ),

        // glibc's allocator, of which Swift's own module shows little.
        .systemLibrary(name: "CMalloc"),
        // zlib's C API, which the build needs for NIO anyway.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .yum(["zlib-devel"])]),
        // What others compressed, taken apart while it arrives.
        .target(name: "ContentCodings", dependencies: ["CZlib"], swiftSettings: settings),
        .target(
            name: "ProxyDoctor",
            dependencies: [
                "ContentCodings", "Locks", "PrintableText", "ServerSentEvents", "ProbeProtocol", nio, nioPosix, nioTLS,
                nioSSL,
                nioHTTP2,
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "CompletionRelay",
            dependencies: [
                "ContentCodings", "Locks",
                "EventSource", "ServerSentEvents", "StreamCore", "StreamHTTP", "TextCodecs", asyncHTTPClient, nio,
                nioHTTP1, logging,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),

        // Floor 4
        .target(
            name: "Freshet",
            dependencies: [
                "Locks",
                "FreshetServer", "PrintableText", "SQLiteStreamStore", "StreamCore", "StreamHTTP", "TextCodecs", nio,
                nioHTTP1, logging,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        // The relay beside the streams of a server. Who embeds a server without one compiles neither it nor its client.
        .target(
            name: "FreshetRelay",
            dependencies: [
                "CompletionRelay", "Freshet", "FreshetServer", "StreamCore", "StreamHTTP", asyncHTTPClient, nioHTTP1,
                logging,
            ],
            swiftSettings: settings
        ),
        // Signed tokens of issuers, and their keys. Who embeds a server without them compiles neither.
        .target(
            name: "FreshetTokens",
            dependencies: [
                "FreshetServer", "Locks", "PrintableText", "StreamCore", "StreamHTTP", "TextCodecs", asyncHTTPClient,
                nio,
                nioHTTP1, logging,
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        // Streams inside a Hummingbird application. Nothing else needs Hummingbird: the program is built without it.
        .target(
            name: "FreshetHummingbird",
            dependencies: [
                "Locks",
                "Freshet", "FreshetServer", "StreamCore", "StreamHTTP", nio, nioPosix, nioHTTP1, logging, hummingbird,
                httpTypes,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        // The tag and the commit of a release build.
        .target(name: "CRelease", cSettings: release),
        // The place where Swift Concurrency lets a program run its tasks.
        .target(name: "CGlobalExecutor"),
        .executableTarget(
            name: "FreshetCLI",
            dependencies: [
                "CGlobalExecutor", "CMalloc", "CompletionRelay", "CRelease", "ServerSentEvents", "StreamCore",
                "SQLiteStreamStore",
                "EventSource",
                "FreshetDemo", "FreshetRelay", "FreshetServer", "FreshetTokens", "PrintableText", "StreamHTTP",
                "ProxyConfiguration",
                "ProxyDoctor",
                "ProbeProtocol", "TextCodecs", asyncHTTPClient,
                nio, nioPosix, nioHTTP1, nioSSL, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),

        // The article's server, as the demo's page shows it.
        .executableTarget(
            name: "ArticleServer",
            dependencies: ["Freshet"],
            path: "Examples/ArticleServer",
            swiftSettings: settings
        ),
        // What a Swift program does with the libraries, kept true by being compiled.
        .executableTarget(
            name: "EmbeddedExample",
            dependencies: ["Freshet"],
            path: "Examples/Embedded",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "HummingbirdApp",
            dependencies: ["Freshet", "FreshetHummingbird", hummingbird, logging],
            path: "Examples/HummingbirdApp",
            swiftSettings: settings
        ),

        // What keeping an event costs: scripts/bench-store.
        .executableTarget(
            name: "StoreBenchmark",
            dependencies: ["SQLiteStreamStore", "StreamCore"],
            path: "Benchmarks/Store",
            swiftSettings: settings
        ),
        // What TLS costs with nothing above: scripts/bench-delivery --transports.
        .executableTarget(
            name: "TLSFloor",
            dependencies: [nio, nioPosix, nioSSL],
            path: "Benchmarks/Delivery/TLSFloor",
            swiftSettings: settings
        ),

        .testTarget(
            name: "ServerSentEventsTests",
            dependencies: ["ServerSentEvents"],
            exclude: ["Vectors"],
            swiftSettings: settings
        ),
        .testTarget(name: "PartialJSONTests", dependencies: ["PartialJSON"], swiftSettings: settings),
        .testTarget(name: "TextCodecsTests", dependencies: ["TextCodecs", "StoreSuite"], swiftSettings: settings),
        // What every store must do, for the tests of each store to run.
        .target(
            name: "StoreSuite",
            dependencies: ["Locks", "StreamCore"],
            path: "Tests/StoreSuite",
            swiftSettings: settings
        ),
        .testTarget(
            name: "StreamCoreTests",
            dependencies: ["Locks", "StreamCore", "StoreSuite"],
            swiftSettings: settings
        ),
        // A file layer of SQLite that forgets what was not synced when the power goes.
        .target(name: "CForgetfulDisk", dependencies: ["CSQLite"], path: "Tests/CForgetfulDisk"),
        .testTarget(
            name: "SQLiteStreamStoreTests",
            dependencies: ["Locks", "SQLiteStreamStore", "StreamCore", "StoreSuite", "CSQLite", "CForgetfulDisk"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StreamHTTPTests",
            dependencies: [
                "Locks", "StreamHTTP", "StreamCore", "StoreSuite", "ServerSentEvents", nio, nioPosix, nioHTTP1,
                nioEmbedded,
                logging,
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ],
            swiftSettings: settings
        ),
        // What tests of the clients talk to.
        .target(
            name: "ScriptedServer",
            dependencies: ["Locks", nio, nioPosix, nioHTTP1],
            path: "Tests/ScriptedServer",
            swiftSettings: settings
        ),
        // What the harness launchdarkly/sse-contract-tests drives.
        .executableTarget(
            name: "sse-contract-service",
            dependencies: [
                "EventSource", "Locks", "ServerSentEvents", asyncHTTPClient, nio, nioHTTP1, hummingbird, httpTypes,
            ],
            path: "Tests/ContractService",
            swiftSettings: settings
        ),
        .testTarget(
            name: "EventSourceTests",
            dependencies: ["Locks", "EventSource", "ScriptedServer", "ServerSentEvents", nio, nioPosix, nioHTTP1],
            resources: [.copy("Vectors")],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ProxyDoctorTests",
            dependencies: ["ProxyDoctor", "ProbeProtocol"],
            swiftSettings: settings
        ),
        .testTarget(name: "ContentCodingsTests", dependencies: ["ContentCodings"], swiftSettings: settings),
        .testTarget(
            name: "CompletionRelayTests",
            dependencies: [
                "Locks",
                "CompletionRelay", "ServerSentEvents", "StreamCore", "StreamHTTP", "StoreSuite", "TextCodecs", nio,
                nioHTTP1, nioEmbedded,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetServerTests",
            dependencies: [
                "Locks",
                "FreshetServer", "SQLiteStreamStore", "StreamHTTP", "StreamCore", "StoreSuite", "ServerSentEvents",
                "ProbeProtocol", "TextCodecs", nio,
                nioPosix, nioHTTP1, nioHTTP2, nioSSL, nioEmbedded, logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetDemoTests",
            dependencies: ["Locks", "FreshetDemo", "FreshetServer", "StreamCore", "StreamHTTP", nio],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ProxyConfigurationTests",
            dependencies: ["ProxyConfiguration"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetTests",
            dependencies: [
                "Locks", "Freshet", "FreshetServer", "EventSource", "ServerSentEvents", "StreamCore", asyncHTTPClient,
                nio,
                nioHTTP1, nioSSL, logging,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetRelayTests",
            dependencies: [
                "Locks", "Freshet", "FreshetRelay", "ScriptedServer", asyncHTTPClient, nio, nioHTTP1, logging,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetTokensTests",
            dependencies: [
                "FreshetServer", "FreshetTokens", "Locks", "StreamCore", "StreamHTTP", "TextCodecs", nioHTTP1, logging,
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetHummingbirdTests",
            dependencies: [
                "Locks", "FreshetHummingbird", "Freshet", "EventSource", "ServerSentEvents", "StreamCore",
                asyncHTTPClient,
                nio, nioPosix, nioHTTP1, nioHTTP2, nioSSL, logging, hummingbird,
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetCLITests",
            dependencies: [
                "Locks",
                "FreshetCLI", "FreshetServer", "EventSource", "PrintableText", "ServerSentEvents", "StreamCore",
                "ScriptedServer", nio, nioHTTP1, nioEmbedded, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
    ]
)
