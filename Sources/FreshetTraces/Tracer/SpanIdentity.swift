import StreamHTTP
import TextCodecs
package import Tracing

/// Which span of which trace, and what goes with it to others (W3C Trace Context).
@available(freshet 0.1, *)
package struct SpanIdentity: Sendable, Hashable {
    package var trace: TraceID
    package var span: SpanID
    /// The trace is recorded.
    package var isSampled: Bool
    /// `tracestate`, which belongs to other systems and is passed on as it came.
    package var state: String?
    /// It is a span of somebody else, who called.
    package var isRemote = false

    package init(trace: TraceID, span: SpanID, isSampled: Bool, state: String? = nil) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
        self.state = state
    }

    /// The span that a caller names.
    init?(_ parent: TraceParent, state: String?) {
        guard let high = UInt64(parent.traceID.prefix(16), radix: 16),
            let low = UInt64(parent.traceID.suffix(16), radix: 16),
            let span = UInt64(parent.parentID, radix: 16)
        else { return nil }
        self.init(
            trace: TraceID(high: high, low: low),
            span: SpanID(span),
            isSampled: parent.isSampled,
            state: state.flatMap { Self.isPassable($0) ? $0 : nil }
        )
        isRemote = true
    }

    /// As `traceparent` says it, version 00.
    package var traceParent: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }

    /// What may stand in a header field, and is no longer than anybody must pass on.
    private static func isPassable(_ state: String) -> Bool {
        1...512 ~= state.utf8.count && state.utf8.allSatisfy { 0x20...0x7E ~= $0 }
    }
}

/// 16 bytes, not all of them 0.
@available(freshet 0.1, *)
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    var high: UInt64
    var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 digits.
    package var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// 8 bytes, not all of them 0.
@available(freshet 0.1, *)
package struct SpanID: Sendable, Hashable, CustomStringConvertible {
    private var value: UInt64

    package init(_ value: UInt64) {
        self.value = value
    }

    /// 16 digits.
    package var description: String { hexadecimal(value) }
}

@available(freshet 0.1, *)
private func hexadecimal(_ value: UInt64) -> String {
    Hexadecimal.text((0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) })
}

@available(freshet 0.1, *)
extension InstrumentationContext {
    private enum SpanIdentityKey: InstrumentationContextKey {
        typealias Value = SpanIdentity
        static var nameOverride: String? { "freshet-span" }
    }

    /// The span that it is of.
    package var spanIdentity: SpanIdentity? {
        get { self[SpanIdentityKey.self] }
        set { self[SpanIdentityKey.self] = newValue }
    }
}
