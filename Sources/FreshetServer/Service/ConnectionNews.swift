package import Logging
import PrintableText
package import StreamCore
import StreamHTTP

/// Says once that a store that is elsewhere was lost, and once that it is back.
@available(freshet 0.1, *)
package struct ConnectionNews {
    private var lost: ContinuousClock.Instant?

    package init() {}

    package mutating func look(at standing: StoreStanding, _ now: ContinuousClock.Instant, _ logger: Logger) {
        switch (standing.trouble, lost) {
        case (let trouble?, nil):
            lost = now
            logger.error(
                "The store cannot be reached. Appends are refused and readers asked to come back until it can.",
                metadata: ["error": "\(PrintableText.escaped(trouble))", "session": "\(standing.session)"]
            )
        case (nil, let since?):
            lost = nil
            logger.notice(
                "The store is reached again.",
                metadata: [
                    "seconds": "\((now - since).components.seconds)", "session": "\(standing.session)",
                    "master": "\(PrintableText.escaped(standing.server ?? ""))",
                ]
            )
        case (nil, nil), (.some, .some): break
        }
    }
}
