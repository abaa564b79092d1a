package import FreshetServer

/// Rights on a stream. Each is independent: `append` does not include `read`.
@available(freshet 0.1, *)
public struct StreamRights: OptionSet, Sendable, Hashable {
    /// One bit for each right.
    public let rawValue: UInt8

    /// Rights by their bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// `PUT`, and a `POST` that creates.
    public static let create = StreamRights(.create)
    /// `POST` with a body, and `Stream-Lease`.
    public static let append = StreamRights(.append)
    /// `Stream-Closed: true`.
    public static let end = StreamRights(.end)
    /// `Stream-Cancel: true`.
    public static let cancel = StreamRights(.cancel)
    /// `GET` and `HEAD`.
    public static let read = StreamRights(.read)
    /// `DELETE`.
    public static let delete = StreamRights(.delete)
    /// Who reads the stream and from where, and lists by state or in another order than that of names.
    public static let inspect = StreamRights(.inspect)
    /// Every right but ``inspect``.
    public static let all = StreamRights(.all)

    private init(_ core: Rights) {
        self.rawValue = core.rawValue
    }

    package var core: Rights { Rights(rawValue: rawValue).intersection([.all, .inspect]) }
}
