import StreamHTTP

@available(freshet 0.1, *)
extension Problem {
    init(_ refusal: QuotaRefusal) {
        let limit = refusal.limit
        let detail =
            switch refusal.quota {
            case .requests:
                "One caller may send \(limit) requests a second, and twice as many at once. Send this one again later."
            case .readers:
                "One caller may have \(limit) reads open, and this one has. Close one, or come back when one has ended."
            case .producers:
                "One caller may have \(limit) streaming appends and calls of the relay open, and this one has. Wait for one of "
                    + "them to end."
            case .streams:
                "One caller may create \(limit) streams an hour, and this one has. Append to one that is there, or wait."
            case .bytes:
                "The streams of one caller may keep \(limit) bytes, and with this those of the stream's creator would keep "
                    + "more. It was not stored. Delete some of them, or give them a Stream-TTL or a Stream-Retention."
            }
        let seconds = max(1, Int((refusal.wait / .seconds(1)).rounded(.up)))
        self.init(
            429,
            "over-quota",
            title: "Quota reached",
            detail: "\(detail) The server's setting is `\(refusal.quota.setting)`.",
            headers: [HeaderField("Retry-After", "\(seconds)")]
        )
        members = [
            Member("quota", .text(refusal.quota.rawValue)), Member("limit", .number(limit)),
        ]
    }
}
