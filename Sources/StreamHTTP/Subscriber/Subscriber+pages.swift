import StreamCore

/// How a page is written in the form of the read.
@available(freshet 0.1, *)
extension Subscriber {
    /// Appends a page: the gap where it does not begin at the reader's position, the events, the end.
    func append(_ page: Page, gapAt requested: String?, to part: inout [UInt8]) {
        plane.counts.deliveries += page.events.count
        note(page.end)
        if plan.form == .durableStreams { return appendDurableStreams(page, to: &part) }
        let writer = EventWriter(form: plan.form, kind: page.contentType.kind)
        if page.standing != .exact, let requested {
            plane.counts.gaps += 1
            writer.appendGap(requested: requested, resumed: page.floor, retry: takeRetry(), to: &part)
        }
        for event in page.events { writer.append(event, retry: takeRetry(), to: &part) }
        if let end = page.end { writer.appendEnd(end, retry: takeRetry(), to: &part) }
    }

    private func appendDurableStreams(_ page: Page, to part: inout [UInt8]) {
        // The first page is answered even when it is empty: that is how a reader learns where it stands.
        guard !page.events.isEmpty || page.end != nil || !isOpened else { return }
        let writer = DurableStreamsWriter(kind: page.contentType.kind)
        writer.appendData(page.events, to: &part)
        writer.appendControl(
            at: page.last,
            cursor: plan.cursor(),
            isUpToDate: page.isAtTail,
            isClosed: page.end != nil,
            to: &part
        )
    }

    /// Appends a page of a foreign read, and what follows its end. Nil while the read goes on.
    func appendForeign(_ page: Page, to part: inout [UInt8]) -> SubscriptionPlan.ForeignEnd? {
        plane.counts.deliveries += page.events.count
        // The other protocol has no word for a gap, and what follows one is no response.
        guard page.standing == .exact else {
            run?.note(.removed)
            let words = plan.conclude(.removed(removal ?? .expired), events)
            part.append(contentsOf: words.bytes)
            return words
        }
        let writer = EventWriter(form: plan.form, kind: page.contentType.kind)
        for event in page.events { writer.append(event, to: &part) }
        guard let end = page.end else { return nil }
        note(end)
        let words = plan.conclude(.ended(end), events + page.events.count)
        part.append(contentsOf: words.bytes)
        return words
    }
}
