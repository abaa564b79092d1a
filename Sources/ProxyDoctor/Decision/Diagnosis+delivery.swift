import ProbeProtocol

/// Whether events arrive as they are sent, and what holds them if not.
@available(freshet 0.1, *)
extension Diagnosis {
    func replay() -> Finding? {
        guard evidence.isReplayed else { return nil }
        return Finding(
            .replayedFromCache,
            .fault,
            layer: layer("a cache that ignores the query of a URL, or Cache-Control"),
            evidence:
                "A request was answered with what the server had sent to another one: requests of different names got "
                + "responses of the same name. What is old looks like buffering, so delays were not judged.",
            remedy: Remedy.of(
                .replayedFromCache,
                at: layers,
                otherwise: "Take the path of the streams out of the cache; no server can ask a cache more clearly than "
                    + "with Cache-Control: no-cache."
            )
        )
    }

    func delivery() -> [Finding] {
        var findings: [Finding] = []
        let held = evidence.held
        for context in Context.allCases {
            if let variant = held[context] { findings.append(heldFinding(context, variant)) }
        }
        if held[.uncompressed] != .hinted, held[.compressed] != .hintedGzip, held[.compressed] != .hintedModern,
            let live = live()
        {
            findings.append(live)
        }
        return findings
    }

    private func live() -> Finding? {
        guard let delivery = evidence.delivery(.hinted), delivery.kind == .live else { return nil }
        var figures: [String: Figure] = [
            "median_ms": .milliseconds(delivery.median), "max_ms": .milliseconds(delivery.most),
        ]
        if let control = evidence.control { figures["control_max_ms"] = .milliseconds(control.most) }
        var text =
            "Each of \(evidence.stream(.trickle(.hinted))?.plan.events ?? 0) events arrived as it was sent: half of "
            + "them within \(Self.milliseconds(delivery.median)) of the fastest, the latest after "
            + "\(Self.milliseconds(delivery.most))."
        let coding = [Variant.hintedGzip, .hintedModern].compactMap { evidence.stream(.trickle($0))?.head?.coding }
            .first
        if let coding {
            figures["compressed"] = .text(coding)
            text += " It is compressed on the way (\(coding)), and each event gets through."
            if evidence.stream(.trickle(.hintedModern))?.isReadable == false {
                text += " Whether each is whole then is not known: there is nothing here that undoes it."
            }
        }
        return Finding(.live, .good, layer: "none", evidence: text, remedy: "", figures: figures)
    }

    private func heldFinding(_ context: Context, _ variant: Variant) -> Finding {
        let observation = evidence.stream(.trickle(variant))
        let delivery = evidence.delivery(variant) ?? Delivery(kind: .none)
        let coding = observation?.head?.coding
        let isFreshets = variant.hints == ProbeHint.ofFreshet
        // Beside a control that was late itself a stream that is held looks as if it were let through.
        let tried = evidence.isRemedyControlUnfit ? [] : RemedyTrial.allCases
        let letsThrough = tried.filter { evidence.isLetThrough(context, $0) }
        var figures: [String: Figure] = [
            "median_ms": .milliseconds(delivery.median), "max_ms": .milliseconds(delivery.most),
            "headers": .text(isFreshets ? "freshet" : "plain"),
        ]
        if !evidence.isRemedyControlUnfit { figures["fixed_by"] = .list(letsThrough.map(\.title)) }
        if let coding { figures["encoding"] = .text(coding) }
        let shape = evidence.shape(context)
        var code: FindingCode
        var what: String
        if delivery.kind == .oneBehind {
            code = .oneEventBehind
            what = "Each event arrived when the next one was sent (\(Int(delivery.behind * 100)) % of them)."
            figures["share"] = .number((delivery.behind * 100).rounded() / 100)
        } else {
            (code, what) = Self.held(shape, observation, &figures)
        }
        if context == .compressed, let coding {
            if code != .oneEventBehind { code = .compressionBuffer }
            what = "Compressed with \(coding), events are held back; without compression they are not. " + what
        }
        if context == .lines {
            figures["form"] = .text("ndjson")
            let how = coding.map { ", compressed with \($0)," } ?? ""
            what = "As NDJSON\(how) events are held back; as text/event-stream they are not. " + what
        }
        what += said(isFreshets, letsThrough)
        return Finding(
            code,
            isFreshets && context != .lines ? .fault : .warning,
            layer: suspect(code, context, letsThrough, shape, coding),
            evidence: what,
            remedy: remedy(code, context, letsThrough, shape, coding),
            figures: figures
        )
    }

    private static func held(
        _ shape: BufferShape?,
        _ observation: StreamObservation?,
        _ figures: inout [String: Figure]
    ) -> (FindingCode, String) {
        if let first = shape?.first { figures["first_bytes"] = .whole(first) }
        let first = shape?.first.map { " The first \(bytes($0)) are held longer: something looks at them first." } ?? ""
        switch shape?.rule {
        case .size(let size):
            figures["bytes"] = .whole(size)
            return (.buffer, "Events arrive \(bytes(size)) at a time, whatever their rate." + first)
        case .timer(let period):
            figures["period_ms"] = .whole(period)
            return (.buffer, "Events arrive together, every \(period) ms, whatever their rate." + first)
        case .irregular(let size):
            figures["bytes"] = .whole(size)
            return (.buffer, "Events arrive in batches of about \(bytes(size))." + first)
        case .live:
            return (.buffer, "Single events are late, though a steady stream gets through.")
        case .full, nil:
            let length = observation?.head?["content-length"]
            return (
                .fullBuffer,
                "Nothing arrived before the response was over"
                    + (length.map { ", and then it had a Content-Length (\($0)), which the server never sends." } ?? ".")
            )
        }
    }

    private func said(_ isFreshets: Bool, _ letsThrough: [RemedyTrial]) -> String {
        if evidence.isRemedyControlUnfit {
            return (isFreshets ? "" : " Freshet's own header fields let them through.")
                + " Which words from the server would change it is inconclusive: the control was late then."
        }
        let list = letsThrough.map(\.title).joined(separator: " or ")
        if isFreshets {
            return letsThrough.isEmpty
                ? " Nothing that a server can send changes it."
                : " With \(list) from the server it is not so."
        }
        return " Freshet's own header fields let them through"
            + (letsThrough.isEmpty ? "." : " (\(list)): other servers behind it are not so lucky.")
    }

    /// Who holds back, by which words let go.
    private func suspect(
        _ code: FindingCode,
        _ context: Context,
        _ letsThrough: [RemedyTrial],
        _ shape: BufferShape?,
        _ coding: String?
    ) -> String {
        if !layers.isEmpty { return layer("") }
        if context == .lines {
            return "a proxy that passes only text/event-stream on at once, such as Cloudflare Tunnel"
        }
        if letsThrough.contains(.noBuffering) { return "nginx, or what is built on it" }
        if letsThrough.contains(.noTransform) {
            return "a compressor that heeds no-transform: a node proxy, HAProxy or Envoy"
        }
        if code == .oneEventBehind {
            return context == .compressed
                ? "a compressor that flushes what came before and not what came last: h2o, IIS dynamic compression"
                : "a proxy or virus scanner that keeps the last piece until there is another: IIS, Kaspersky"
        }
        if letsThrough.contains(.identity) {
            return "a compressor: Caddy encode, Varnish do_gzip, Traffic Server, nginx gzip"
        }
        if letsThrough.contains(.json) { return "a filter of text: Privoxy, a virus scanner" }
        if case .timer? = shape?.rule { return "HAProxy without option http-no-delay" }
        if shape?.first != nil { return "a web application firewall that waits for the beginning of the body" }
        if context == .compressed { return "a compressor" }
        return "lighttpd, mitmproxy or other TLS inspection, a virus scanner, an API gateway, or nginx that ignores "
            + "X-Accel-Buffering"
    }

    private func remedy(
        _ code: FindingCode,
        _ context: Context,
        _ letsThrough: [RemedyTrial],
        _ shape: BufferShape?,
        _ coding: String?
    ) -> String {
        if context == .lines {
            return Remedy.of(code, at: layers, otherwise: "Read as text/event-stream behind it: `?as=sse`, or Accept.")
        }
        if code == .buffer, layers.isEmpty, case .timer? = shape?.rule {
            return Remedy.of(code, at: [.haproxy], otherwise: "")
        }
        if letsThrough == [.json] {
            return Remedy.of(
                code,
                at: layers,
                otherwise:
                    "Exempt the address from the filter (Privoxy: { -filter } in user.action), or read as NDJSON, which is "
                    + "no text."
            )
        }
        // Varnish and others compress even what nobody asked to be compressed.
        let isCompressor = letsThrough.contains(.identity) && !letsThrough.contains(.noBuffering)
        let fallback =
            isCompressor || context == .compressed
            ? "Take text/event-stream out of what is compressed\(coding.map { " (\($0))" } ?? "")"
                + (letsThrough.contains(.identity) ? ", or let the server say Content-Encoding: identity." : ".")
            : letsThrough.contains(.noBuffering)
                ? Remedy.of(code, at: [.nginx], otherwise: "")
                : "Turn the buffering of responses off for the path of the streams; `freshet proxy-config --list` has the line "
                    + "for each proxy."
        let compresses = isCompressor || (context == .compressed && coding != nil)
        return Remedy.of(
            compresses ? .compressionBuffer : code,
            at: layers,
            coding: context == .compressed ? coding : nil,
            otherwise: fallback
        )
    }

    func headersHeld() -> Finding? {
        var variants: [Variant] = []
        for variant in [Variant.hinted, .plain, .hintedGzip, .plainGzip] {
            guard let stream = evidence.stream(.trickle(variant)), let headAt = stream.headAt, let meta = stream.meta,
                let opened = evidence.base(.proxied).here(instance: meta.instance, meta.opened)
            else {
                continue
            }
            // From when the server had the request: that may have waited for others.
            let wait = headAt - opened
            // A head that came with everything else is not held by itself.
            let isAlone = (stream.events.last?.at ?? stream.endAt) - headAt > 300
            if wait > 800, isAlone { variants.append(variant) }
        }
        guard let worst = variants.first else { return nil }
        let isFreshets = worst.hints == ProbeHint.ofFreshet
        return Finding(
            .headersHeld,
            isFreshets ? .fault : .warning,
            layer: layer("Caddy encode, h2o, mitmproxy, a node proxy, or nginx with HTTP/2 in front"),
            evidence:
                "The head of a response was sent at once and arrived with the first byte of its body, a second later: a "
                + "page would not see its EventSource open before."
                + (isFreshets ? "" : " The comment that Freshet sends at once lets it through."),
            remedy: Remedy.of(
                .headersHeld,
                at: layers,
                otherwise: "Let the server write a comment right after the head, as Freshet does."
            ),
            figures: ["headers": .text(isFreshets ? "freshet" : "plain")]
        )
    }
}

@available(freshet 0.1, *)
extension Evidence {
    /// How a steady stream came, where single events were held.
    package func shape(_ context: Context) -> BufferShape? {
        guard let slow = stream(.ramp(context, .slow)), let fast = stream(.ramp(context, .fast)) else { return nil }
        return BufferShape(slow: slow, fast: fast)
    }
}
