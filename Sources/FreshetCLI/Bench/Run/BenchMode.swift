/// A mode of `freshet bench`: what it loads, and what of it is told.
@available(freshet 0.1, *)
protocol BenchMode: Sendable {
    /// As it is called on the command line.
    static var name: String { get }

    /// Options of its own, by their names, as a result tells them.
    var options: [String: String] { get }
    /// Streams that are made before it begins.
    var streamCount: Int { get }
    /// Connections that it may have at a time, over HTTP/1.1.
    var connections: Int { get }
    /// The foreign stream that is read instead of a server's; nil for none.
    var foreign: String? { get }

    /// Runs it: returns when all that was due is done or given up, and throws `CancellationError` when it is interrupted.
    func run(_ context: BenchContext) async throws

    /// What is told beside latencies.
    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure]

    /// Which latencies are told, and under which names.
    var latencies: [(Measurements.Series, String)] { get }
}

@available(freshet 0.1, *)
extension BenchMode {
    var foreign: String? { nil }
}
