import ProbeProtocol

/// How streams are treated beside their events: versions, fields, caches, ends, and requests with bodies.
@available(freshet 0.1, *)
extension Diagnosis {
    private static let heartbeatSeconds = 10.0

    func http10() -> Finding? {
        guard let meta = Variant.allCases.lazy.compactMap({ evidence.stream(.trickle($0))?.meta }).first,
            meta.http == "1.0"
        else {
            return nil
        }
        return Finding(
            .http10Upstream,
            .warning,
            layer: layer("nginx as it comes"),
            evidence:
                "The last hop speaks HTTP/1.0 to the server: the response is not framed, and its end cannot be told from "
                + "a death.",
            remedy: Remedy.of(.http10Upstream, at: layers + [.nginx], otherwise: ""),
            figures: ["http": .text("1.0")]
        )
    }

    func stripped() -> [Finding] {
        let streams = [Variant.hinted, .plain, .hintedGzip].compactMap { evidence.stream(.trickle($0)) }
        guard let stream = streams.first(where: { $0.meta != nil }), let meta = stream.meta, let head = stream.head
        else {
            return []
        }
        var lost: [String] = []
        if meta.request["last-event-id"] != Examiner.lastEventID { lost.append("Last-Event-ID") }
        if meta.request["producer-id"] != stream.plan.name { lost.append("Producer-Id") }
        var findings: [Finding] = []
        if !lost.isEmpty {
            findings.append(
                Finding(
                    .stripped,
                    .fault,
                    layer: layer("a proxy that lets only known header fields through"),
                    evidence: "The request's \(lost.joined(separator: " and ")) did not reach the server: "
                        + "who comes back is not continued where it stopped, and a retry may be doubled.",
                    remedy: "Let the header fields Last-Event-ID, Producer-* and Stream-* through.",
                    figures: ["fields": .list(lost), "side": .text("request")]
                )
            )
        }
        var changed: [String] = []
        if head.mediaType != stream.plan.form.contentType.split(separator: ";").first.map(String.init) {
            changed.append("Content-Type (\(head["content-type"] ?? "none"))")
        }
        if let sent = meta.sent["cache-control"], head["cache-control"]?.contains("no-cache") != true,
            head["cache-control"]?.contains("no-store") != true
        {
            changed.append("Cache-Control (\(head["cache-control"] ?? "none") for \(sent))")
        }
        if !changed.isEmpty {
            let isType = changed[0].utf8.starts(with: "Content-Type".utf8)
            findings.append(
                Finding(
                    .stripped,
                    isType ? .fault : .warning,
                    layer: layer("a proxy that rewrites the heads of responses"),
                    evidence: "The response's \(changed.joined(separator: " and ")) did not arrive as it was sent"
                        + (isType
                            ? ": an EventSource takes no other type than text/event-stream."
                            : ": what is next may keep it."),
                    remedy: "Leave the header fields of the server's responses as they are.",
                    figures: ["fields": .list(changed), "side": .text("answer")]
                )
            )
        }
        return findings
    }

    func shared(noCache: Bool) -> Finding? {
        let streams = (0..<3).compactMap { evidence.stream(.share(noCache: noCache, $0)) }
        let nonces = streams.compactMap { $0.meta?.nonce }
        guard nonces.count > 1, Set(nonces).count < nonces.count else { return nil }
        return Finding(
            .sharedResponse,
            noCache ? .fault : .warning,
            layer: layer("a cache that joins equal requests"),
            evidence: "\(nonces.count) readers of one URL got \(Set(nonces).count) "
                + (Set(nonces).count == 1 ? "response" : "responses")
                + (noCache
                    ? ", although it says Cache-Control: no-cache: readers see what is old, or what is for somebody else."
                    : " where it has no Cache-Control. Freshet's responses have one, and are not shared."),
            remedy: Remedy.of(
                .sharedResponse,
                at: layers,
                otherwise: noCache
                    ? "Take the path of the streams out of the cache."
                    : "Send Cache-Control: no-cache, as Freshet does."
            ),
            figures: [
                "readers": .whole(nonces.count), "answers": .whole(Set(nonces).count), "no_cache": .flag(noCache),
            ]
        )
    }

    // MARK: Ends

    func deaths() -> Finding? {
        var seen: [String: Figure] = [:]
        var lies: [String] = []
        for death in ProbePlan.Death.allCases {
            guard let stream = evidence.stream(.death(death)), stream.isProbe, !stream.hasEnd else { continue }
            let name = death == .close ? "closes its connection" : "resets its connection"
            switch stream.end {
            case .complete, .closeDelimited:
                seen[death.rawValue] = .text("clean")
                lies.append("When the server \(name) in the middle of a response, the client is told that it is whole.")
            case .open:
                seen[death.rawValue] = .text("hangs")
                lies.append(
                    "When the server \(name) in the middle of a response, the client is told nothing, and waits."
                )
            case .torn, .left, .unreachable:
                seen[death.rawValue] = .text("torn")
            }
        }
        guard !lies.isEmpty else { return nil }
        return Finding(
            .deathLooksClean,
            .warning,
            layer: layer("a proxy that does not pass the tear on: Caddy, a node proxy, h2o, nginx over HTTP/1.0"),
            evidence: lies.joined(separator: " ") + " Freshet tells its ends in the stream, and its readers resume.",
            remedy: Remedy.of(
                .deathLooksClean,
                at: layers,
                otherwise:
                    "Nothing to do for Freshet's readers: they know an end by event: end, and a stall by the missing "
                    + "heartbeat."
            ),
            figures: seen
        )
    }

    func departures() -> Finding? {
        guard let quiet = departure(quiet: true), !quiet.isSeen || quiet.after > 3500 else { return nil }
        let busy = departure(quiet: false)
        var figures: [String: Figure] = ["quiet_ms": .milliseconds(quiet.after)]
        var text = "A reader left a silent stream, and the server had not learnt it \(Self.seconds(quiet.after)) later."
        if let busy {
            if busy.isSeen {
                let writes = max(1, Int((busy.after / 500).rounded(.up)))
                figures["writes"] = .whole(writes)
                text +=
                    " Of one with two events a second it learnt after \(Self.seconds(busy.after)), "
                    + "\(writes == 1 ? "one write" : "\(writes) writes") later."
            } else {
                figures["writes"] = .text("never")
                text += " Of one with two events a second it learnt nothing either."
            }
        }
        return Finding(
            .disconnectOnWrite,
            .warning,
            layer: layer("HAProxy without abortonclose, Apache, a node proxy"),
            evidence: text + " Freshet's heartbeat is a write, every \(Int(Self.heartbeatSeconds)) s.",
            remedy: Remedy.of(
                .disconnectOnWrite,
                at: layers,
                otherwise: "Let the proxy close its side when the client closes; heartbeats find out what is left."
            ),
            figures: figures
        )
    }

    private struct Departure {
        /// Milliseconds between the leaving and the origin's learning of it, or the end of the asking.
        var after: Double
        var isSeen: Bool
    }

    private func departure(quiet: Bool) -> Departure? {
        guard case .departure(let seen)? = evidence.observations[.departure(quiet: quiet)], let status = seen.status
        else {
            return nil
        }
        guard status.end == .gone, let endedAt = status.endedAt else {
            return Departure(after: seen.asked, isSeen: false)
        }
        let base = evidence.base(.proxied)
        let at = base.here(instance: status.instance, endedAt) ?? seen.leftAt
        return Departure(after: max(0, at - seen.leftAt), isSeen: true)
    }

    // MARK: Silence

    func idle() -> Finding? {
        guard let quiet = evidence.stream(.idle(quiet: true)), let busy = evidence.stream(.idle(quiet: false)),
            !quiet.hasEnd || !busy.hasEnd
        else {
            return nil
        }
        func cut(_ stream: StreamObservation) -> Double? {
            stream.hasEnd || stream.end == .open ? nil : (stream.endAt - stream.sentAt) / 1000
        }
        let quietCut = cut(quiet)
        guard let busyCut = cut(busy) else {
            guard let quietCut else { return nil }
            let looksClean = quiet.end.looksClean
            return Finding(
                .idleCut,
                quietCut < 2 * Self.heartbeatSeconds ? .fault : .warning,
                layer: layer(Self.idleSuspects(quietCut)),
                evidence:
                    "A silent stream was cut after \(Int(quietCut.rounded())) s\(looksClean ? ", and looked whole" : "");"
                    + " one with an event a second was not. Freshet's heartbeat comes every "
                    + "\(Int(Self.heartbeatSeconds)) s.",
                remedy: Remedy.of(
                    .idleCut,
                    at: layers,
                    otherwise: "Raise the read timeout of the proxy, or keep heartbeat-seconds below half of "
                        + "\(Int(quietCut.rounded())) s."
                ),
                figures: ["seconds": .number((quietCut * 10).rounded() / 10), "looks_clean": .flag(looksClean)]
            )
        }
        return Finding(
            .durationCap,
            .warning,
            layer: layer(Self.idleSuspects(busyCut)),
            evidence: "A stream with an event a second was cut after \(Int(busyCut.rounded())) s"
                + (busy.end.looksClean ? ", and looked whole" : "") + ". Freshet's readers come back and continue.",
            remedy: Remedy.of(
                .durationCap,
                at: layers,
                otherwise: "Raise the time that the proxy gives to a whole response."
            ),
            figures: ["seconds": .number((busyCut * 10).rounded() / 10), "looks_clean": .flag(busy.end.looksClean)]
        )
    }

    /// Whose defaults these seconds are.
    private static func idleSuspects(_ seconds: Double) -> String {
        let known: [(ClosedRange<Double>, String)] = [
            (13...17, "Envoy (route timeout 15 s)"),
            (28...32, "Traffic Server, h2o, CloudFront, a Google load balancer, API Gateway (30 s)"),
            (48...53, "HAProxy (timeout server 50 s)"), (53.5...57, "Heroku (55 s)"),
            (58...64, "nginx, Apache, Varnish, nghttpx, an AWS load balancer (60 s)"),
            (95...125, "Cloudflare (100 to 120 s)"), (235...245, "Azure (240 s)"),
            (295...305, "Envoy (stream idle 300 s), Cloud Run, API Gateway"),
            (345...355, "an AWS network load balancer (350 s)"),
        ]
        return known.first { $0.0.contains(seconds) }?.1 ?? "a proxy with a timeout of \(Int(seconds.rounded())) s"
    }

    // MARK: Bodies

    func upload() -> Finding? {
        guard case .upload(let proxied)? = evidence.observations[.upload(.proxied)] else { return nil }
        // What does not even reach the origin in its parts without a proxy says nothing of one.
        if case .upload(let direct)? = evidence.observations[.upload(.direct)],
            direct.spread.map({ $0 < 0.7 }) ?? true
        {
            return nil
        }
        guard let report = proxied.report, let spread = proxied.spread else { return refusedUpload(proxied) }
        guard proxied.isHeld else { return nil }
        let sent = Double((proxied.moments.last ?? 0) - (proxied.moments.first ?? 0))
        let isWhole = report.moments.count == 1 || spread < 0.1
        return Finding(
            .uploadBuffered,
            .warning,
            layer: layer(
                looksLikeTextFilter
                    ? "a filter of text: Privoxy, a virus scanner"
                    : "nginx as it comes, or a proxy that reads a request before it passes it on"
            ),
            evidence:
                "A request's body was sent in \(proxied.moments.count) parts over \(Self.seconds(sent)), and reached the "
                + "server "
                + (isWhole ? "all at once." : "in \(report.moments.count) parts within \(Self.seconds(sent * spread)).")
                + " Words of a streaming producer arrive late; readers are not concerned.",
            remedy: Remedy.of(
                .uploadBuffered,
                at: layers.isEmpty && looksLikeTextFilter ? [.privoxy] : layers,
                otherwise: "Let the proxy pass request bodies on as they come (nginx: proxy_request_buffering off; "
                    + "proxy_http_version 1.1;). Where it cannot, append in requests that end."
            ),
            figures: [
                "parts": .whole(report.moments.count), "of": .whole(proxied.moments.count), "http": .text(report.http),
            ]
        )
    }

    /// Whether what holds responses back does so with texts alone, as Privoxy does, which names itself nowhere.
    private var looksLikeTextFilter: Bool {
        !evidence.isRemedyControlUnfit && evidence.held[.uncompressed] == .hinted
            && RemedyTrial.allCases.filter { evidence.isLetThrough(.uncompressed, $0) } == [.json]
    }

    private func refusedUpload(_ upload: UploadObservation) -> Finding? {
        guard let status = upload.head?.status, status == 411 || status == 501 else { return nil }
        return Finding(
            .uploadBuffered,
            .warning,
            layer: layer("a proxy that takes no body of unknown length"),
            evidence:
                "A request with a chunked body was answered \(status): a streaming producer cannot write through it.",
            remedy: "Let the proxy take chunked requests, or append with one request an event.",
            figures: ["status": .whole(status)]
        )
    }
}
