/// The settings of what each caller may do next to the others: a part of `ServerSettings`.
@available(freshet 0.1, *)
package struct QuotaSettings: Sendable {
    let quotas = Heading("Quotas", in: .requests)

    package let quotaRequests = Setting<Int?>(
        "quota-requests-per-second",
        SettingKind<Int>.whole(1...1_000_000).orNil("0", meaning: "no limit"),
        default: nil,
        "Maximum number of requests a second of one key, or of one subject of tokens; twice as many may come at once. More "
            + "get 429, native reads `reconnect`. Ending, cancelling and deleting are never refused."
    )

    package let quotaReaders = Setting<Int?>(
        "quota-readers",
        SettingKind<Int>.whole(1...10_000_000).orNil("0", meaning: "no limit"),
        default: nil,
        "Maximum number of reads that follow a stream which one key or subject has open at a time; more get 429, native reads "
            + "`reconnect`."
    )

    package let quotaProducers = Setting<Int?>(
        "quota-producers",
        SettingKind<Int>.whole(1...10_000_000).orNil("0", meaning: "no limit"),
        default: nil,
        "Maximum number of streaming appends, and of calls of the relay, that one key or subject has open at a time; more "
            + "get 429."
    )

    package let quotaStreams = Setting<Int?>(
        "quota-streams-per-hour",
        SettingKind<Int>.whole(1...1_000_000_000).orNil("0", meaning: "no limit"),
        default: nil,
        "Maximum number of streams that one key or subject creates in an hour, all of them at once or not; more get 429."
    )

    package let quotaBytes = Setting<Int?>(
        "quota-bytes",
        SettingKind<Int>.bytes(1...1 << 50).orNil("0", meaning: "no limit"),
        default: nil,
        in: .streams,
        "Maximum number of bytes of data kept in all streams together that one key or subject has created, whoever appends "
            + "to them; appends, creates and forks beyond it get 429."
    )
}
