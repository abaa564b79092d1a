// swift-tools-version: 6.2
import PackageDescription

/// The tests turn warnings into errors, in our own targets only and in the one debug build that serves them all. That build
/// has URLSession's transport on Linux too: elsewhere FoundationNetworking and its curl would be linked for nothing. The
/// thread sanitizer cannot see what orders FoundationNetworking's work.
let strict: [SwiftSetting] =
    Context.environment["FRESHET_WARNINGS_AS_ERRORS"] == nil
    ? []
    : [.treatAllWarnings(as: .error)]
        + (Context.environment["FRESHET_THREAD_SANITIZER"] != nil
            ? [] : [.define("FRESHET_URL_SESSION", .when(configuration: .debug))])

/// Every target: Swift 6 mode, imports that show what a file uses, and async functions that stay on their
/// caller's executor, so that a store that answers at once costs no hop.
let common: [SwiftSetting] =
    strict + [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    // What the thread sanitizer needs to see what a lock orders (Sources/Locks).
    + (Context.environment["FRESHET_THREAD_SANITIZER"] == nil ? [] : [.define("FRESHET_THREAD_SANITIZER")])

/// Every target but the codec's: what it declares at the top level of a file is `@available(freshet 0.1, *)`. These versions have
/// the standard library's clocks and executors, and URLs that are taken as they are; Hummingbird's API needs the same.
/// `scripts/check-availability` looks for what is newer, by name.
let settings: [SwiftSetting] =
    common + [
        .enableExperimentalFeature(
            "AvailabilityMacro=freshet 0.1:macOS 14.0, iOS 17.0, tvOS 17.0, watchOS 10.0, visionOS 1.0"
        )
    ]

/// What a release build says of itself in `freshet --version`: `scripts/lib/release-build` sets it.
let release: [CSetting] = Context.environment["FRESHET_RELEASE"].map { [.define("FRESHET_RELEASE", to: $0)] } ?? []

/// The trait `Server` guards what only servers and commands need, `AsyncHTTPClient` what sends requests over that client.
/// What a program does not take is not even fetched for it: no product of another package is without a trait.
func ofServer(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package, condition: .when(traits: ["Server"]))
}

func ofClient(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package, condition: .when(traits: ["AsyncHTTPClient"]))
}

let asyncHTTPClient = ofClient("AsyncHTTPClient", "async-http-client")
let argumentParser = ofServer("ArgumentParser", "swift-argument-parser")
let coreMetrics = ofServer("CoreMetrics", "swift-metrics")
let crypto = ofServer("Crypto", "swift-crypto")
let cryptoExtras = ofServer("CryptoExtras", "swift-crypto")
let deque = ofServer("DequeModule", "swift-collections")
let heap = ofServer("HeapModule", "swift-collections")
let httpTypes = ofServer("HTTPTypes", "swift-http-types")
let hummingbird = ofServer("Hummingbird", "hummingbird")
let logging = ofServer("Logging", "swift-log")
let metricsTestKit = ofServer("MetricsTestKit", "swift-metrics")
let nio = ofServer("NIOCore", "swift-nio")
let nioEmbedded = ofServer("NIOEmbedded", "swift-nio")
let nioHPACK = ofServer("NIOHPACK", "swift-nio-http2")
let nioHTTP1 = ofServer("NIOHTTP1", "swift-nio")
let nioHTTP2 = ofServer("NIOHTTP2", "swift-nio-http2")
let nioPosix = ofServer("NIOPosix", "swift-nio")
let nioSSL = ofServer("NIOSSL", "swift-nio-ssl")
let nioTLS = ofServer("NIOTLS", "swift-nio")
let serviceLifecycle = ofServer("ServiceLifecycle", "swift-service-lifecycle")
let tracing = ofServer("Tracing", "swift-distributed-tracing")
let unixSignals = ofServer("UnixSignals", "swift-service-lifecycle")
let yams = ofServer("Yams", "Yams")

let package = Package(
    name: "freshet",
    // Hummingbird's, the only dependency that sets any, and a package must not have less than what it depends on. It is also
    // the least for which the codec, that is ServerSentEvents and PartialJSON, can be used. All else needs `settings`.
    platforms: [.macOS(.v11), .iOS(.v15), .macCatalyst(.v15), .tvOS(.v15), .visionOS(.v1)],
    products: [
        .library(name: "ServerSentEvents", targets: ["ServerSentEvents"]),
        .library(name: "EventSource", targets: ["EventSource"]),
        .library(name: "DurableStream", targets: ["DurableStream"]),
        .library(name: "PartialJSON", targets: ["PartialJSON"]),
        .library(name: "Freshet", targets: ["Freshet"]),
        .library(name: "FreshetRelay", targets: ["FreshetRelay"]),
        .library(name: "FreshetTokens", targets: ["FreshetTokens"]),
        .library(name: "FreshetHummingbird", targets: ["FreshetHummingbird"]),
        .executable(name: "freshet", targets: ["FreshetCLI"]),
    ],
    traits: [
        .default(enabledTraits: ["Server", "AsyncHTTPClient"]),
        .trait(
            name: "Server",
            description: "Freshet, FreshetHummingbird and, with AsyncHTTPClient, FreshetRelay and the program."
        ),
        .trait(
            name: "AsyncHTTPClient",
            description: "EventSource and DurableStream over AsyncHTTPClient. Without it, over Foundation's URLSession."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
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
        .target(name: "ServerSentEvents", swiftSettings: common),
        .target(name: "PartialJSON", swiftSettings: common),
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
                deque,
                heap,
            ],
            swiftSettings: settings
        ),

        // What the doctor and the server's probe say to each other.
        .target(
            name: "ProbeProtocol",
            dependencies: ["TextCodecs", crypto],
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
                nioHPACK,
                deque,
                tracing,
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
                deque,
            ],
            swiftSettings: settings
        ),
        // Over a RESP3 client of its own: no package of one is a dependency.
        .target(
            name: "RedisStreamStore",
            dependencies: [
                "Locks", "PrintableText", "StreamCore", "TextCodecs", nio, nioPosix, nioTLS, nioSSL,
                deque,
            ],
            resources: [
                "append", "creation", "durability", "library", "lifetime", "nodes", "notices", "outbox", "reading",
            ].map { .embedInCode("Functions/\($0).lua") },
            swiftSettings: settings
        ),
        .target(
            name: "EventSource",
            dependencies: [
                "Locks", "PrintableText", "ServerSentEvents", "TextCodecs", asyncHTTPClient,
                ofClient("NIOCore", "swift-nio"), ofClient("NIOPosix", "swift-nio"), ofClient("NIOHTTP1", "swift-nio"),
            ],
            swiftSettings: settings
        ),

        // Over the transports of EventSource.
        .target(
            name: "DurableStream",
            dependencies: ["EventSource", "Locks", "PrintableText", "ServerSentEvents", "TextCodecs"],
            swiftSettings: settings
        ),

        // Floor 3
        .target(name: "ProxyConfiguration", swiftSettings: settings),
        .target(
            name: "FreshetServer",
            dependencies: [
                "Locks",
                "PrintableText", "StreamCore", "RedisStreamStore", "SQLiteStreamStore", "StreamHTTP", "ProbeProtocol",
                "TextCodecs", nio, nioHTTP1, logging, coreMetrics, tracing,
                crypto,
                serviceLifecycle,
                yams,
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
                crypto,
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
                nioHPACK,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "CompletionRelay",
            dependencies: [
                "ContentCodings", "Locks",
                "EventSource", "ServerSentEvents", "StreamCore", "StreamHTTP", "TextCodecs", asyncHTTPClient, nio,
                nioHTTP1, logging, tracing,
                crypto,
            ],
            swiftSettings: settings
        ),

        // Floor 4
        .target(
            name: "Freshet",
            dependencies: [
                "Locks",
                "FreshetServer", "PrintableText", "RedisStreamStore", "SQLiteStreamStore", "StreamCore", "StreamHTTP",
                "TextCodecs", nio, nioHTTP1, logging, tracing,
                serviceLifecycle,
                unixSignals,
            ],
            swiftSettings: settings
        ),
        // The relay beside the streams of a server. Who embeds a server without one compiles neither it nor its client.
        .target(
            name: "FreshetRelay",
            dependencies: [
                "CompletionRelay", "Freshet", "FreshetServer", "StreamCore", "StreamHTTP", asyncHTTPClient, nioHTTP1,
                logging, tracing,
            ],
            swiftSettings: settings
        ),
        // Signed tokens of issuers, and their keys. Who embeds a server without them compiles neither.
        .target(
            name: "FreshetTokens",
            dependencies: [
                "Freshet", "FreshetServer", "Locks", "PrintableText", "StreamCore", "StreamHTTP", "TextCodecs",
                asyncHTTPClient, nio,
                nioHTTP1, logging,
                crypto,
                cryptoExtras,
            ],
            swiftSettings: settings
        ),
        // Calls to those who are told of ends. Who embeds a server without them compiles none.
        .target(
            name: "FreshetHooks",
            dependencies: [
                "EventSource", "FreshetServer", "Locks", "PrintableText", "StreamCore", "StreamHTTP", "TextCodecs",
                asyncHTTPClient, nio, nioHTTP1, logging,
                crypto,
                deque,
                heap,
            ],
            swiftSettings: settings
        ),
        // Spans for a collector of OpenTelemetry. Who embeds a server has a tracer of its own, and compiles none of it.
        .target(
            name: "FreshetTraces",
            dependencies: [
                "EventSource", "FreshetServer", "Locks", "PrintableText", "StreamHTTP", "TextCodecs",
                asyncHTTPClient, nio, nioHTTP1, logging, tracing,
                deque,
            ],
            swiftSettings: settings
        ),
        // Streams inside a Hummingbird application. Nothing else needs Hummingbird: the program is built without it.
        .target(
            name: "FreshetHummingbird",
            dependencies: [
                "Locks",
                "Freshet", "FreshetServer", "PrintableText", "StreamCore", "StreamHTTP", nio, nioPosix, nioHTTP1,
                logging, hummingbird,
                httpTypes,
                serviceLifecycle,
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
                "RedisStreamStore", "SQLiteStreamStore",
                "DurableStream", "EventSource",
                "FreshetDemo", "FreshetHooks", "FreshetRelay", "FreshetServer", "FreshetTokens", "FreshetTraces",
                "PrintableText",
                "StreamHTTP",
                "ProxyConfiguration",
                "ProxyDoctor",
                "ProbeProtocol", "TextCodecs", asyncHTTPClient,
                nio, nioPosix, nioHTTP1, nioSSL, logging,
                argumentParser,
                serviceLifecycle,
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
            name: "DurableClient",
            dependencies: ["DurableStream"],
            path: "Examples/DurableClient",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "HummingbirdApp",
            dependencies: ["Freshet", "FreshetHummingbird", hummingbird, logging],
            path: "Examples/HummingbirdApp",
            swiftSettings: settings
        ),

        // The back ends of docs/stacks.md and docs/access.md, which show them as they stand there.
        .executableTarget(
            name: "AnswerBackEnd",
            dependencies: ["DurableStream", hummingbird, logging],
            path: "Examples/AnswerBackEnd",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "TokenBackEnd",
            dependencies: ["Freshet", "FreshetTokens", hummingbird],
            path: "Examples/TokenBackEnd",
            swiftSettings: settings
        ),

        // What keeping an event costs: scripts/bench-store.
        .executableTarget(
            name: "StoreBenchmark",
            dependencies: ["RedisStreamStore", "SQLiteStreamStore", "StreamCore"],
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
        // What reading an event costs: scripts/bench-client.
        .executableTarget(
            name: "ClientBenchmark",
            dependencies: [
                "EventSource", "ServerSentEvents", asyncHTTPClient, ofClient("NIOCore", "swift-nio"),
                ofClient("NIOHTTP1", "swift-nio"),
            ],
            path: "Benchmarks/Client/ClientBenchmark",
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
            name: "RedisStreamStoreTests",
            dependencies: [
                "Locks", "RedisStreamStore", "StoreSuite", "StreamCore", "TextCodecs", nio, nioPosix, nioSSL,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StreamHTTPTests",
            dependencies: [
                "Locks", "StreamHTTP", "StreamCore", "StoreSuite", "ServerSentEvents", nio, nioPosix, nioHTTP1,
                nioEmbedded,
                logging,
                nioHPACK,
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
            name: "DurableStreamTests",
            dependencies: [
                "DurableStream", "EventSource", "Locks", "ScriptedServer", "ServerSentEvents", "StreamCore", nio,
                nioHTTP1,
            ],
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
                "CompletionRelay", "FreshetTraces", "SQLiteStreamStore", "ServerSentEvents", "StreamCore", "StreamHTTP",
                "StoreSuite", "TextCodecs", nio, nioHTTP1, nioEmbedded, tracing,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetServerTests",
            dependencies: [
                "Locks",
                "FreshetServer", "RedisStreamStore", "SQLiteStreamStore", "StreamHTTP", "StreamCore", "StoreSuite",
                "ServerSentEvents", "ProbeProtocol", "TextCodecs", "CompletionRelay", "FreshetRelay", nio,
                nioPosix, nioHTTP1, nioHTTP2, nioHPACK, nioSSL, nioEmbedded, logging, coreMetrics,
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
                "DurableStream", "Locks", "Freshet", "FreshetServer", "FreshetTokens", "FreshetTraces", "EventSource",
                "ServerSentEvents", "StreamCore",
                asyncHTTPClient,
                coreMetrics, metricsTestKit,
                nio,
                nioHTTP1, nioSSL, logging, tracing,
                serviceLifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetRelayTests",
            dependencies: [
                "Locks", "Freshet", "FreshetRelay", "FreshetTokens", "ScriptedServer", asyncHTTPClient, nio, nioHTTP1,
                logging,
                serviceLifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetTokensTests",
            dependencies: [
                "Freshet", "FreshetServer", "FreshetTokens", "Locks", "StreamCore", "StreamHTTP", "TextCodecs",
                nioHTTP1,
                logging,
                crypto,
                cryptoExtras,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetHooksTests",
            dependencies: [
                "FreshetHooks", "FreshetServer", "Locks", "StoreSuite", "StreamCore", "TextCodecs", logging,
                crypto,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetTracesTests",
            dependencies: [
                "CompletionRelay", "FreshetServer", "FreshetTraces", "Locks", "StoreSuite", "StreamCore", "StreamHTTP",
                "TextCodecs", nio, nioHTTP1, nioEmbedded, logging, tracing,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetHummingbirdTests",
            dependencies: [
                "Locks", "FreshetHummingbird", "Freshet", "FreshetTokens", "EventSource", "ServerSentEvents",
                "StreamCore",
                asyncHTTPClient,
                coreMetrics, metricsTestKit,
                nio, nioPosix, nioHTTP1, nioHTTP2, nioSSL, logging, hummingbird,
                nioHPACK,
                ofServer("HummingbirdCore", "hummingbird"),
                ofServer("HummingbirdHTTP2", "hummingbird"),
                ofServer("HummingbirdTLS", "hummingbird"),
                serviceLifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FreshetCLITests",
            dependencies: [
                "Locks",
                "DurableStream", "FreshetCLI", "FreshetServer", "EventSource", "PrintableText", "ServerSentEvents",
                "StoreSuite", "StreamCore",
                "ScriptedServer", nio, nioHTTP1, nioEmbedded, logging,
                argumentParser,
            ],
            swiftSettings: settings
        ),
    ]
)
