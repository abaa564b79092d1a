/// What one caller may have or do, next to the others.
@available(freshet 0.1, *)
package enum Quota: String, Sendable, CaseIterable {
    case requests, readers, producers, streams, bytes

    /// The setting that bounds it.
    var setting: String {
        switch self {
        case .requests: ServerSettings.all.quotaRequests.name
        case .readers: ServerSettings.all.quotaReaders.name
        case .producers: ServerSettings.all.quotaProducers.name
        case .streams: ServerSettings.all.quotaStreams.name
        case .bytes: ServerSettings.all.quotaBytes.name
        }
    }
}

/// A caller is at one of its quotas.
@available(freshet 0.1, *)
struct QuotaRefusal: Error, Sendable, Equatable {
    var quota: Quota
    var limit: Int
    /// How long it is best to wait.
    var wait: Duration
}
