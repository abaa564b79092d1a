/// A line on a terminal that says what the run is doing.
@available(freshet 0.1, *)
struct BenchProgress {
    private let measurements: Measurements
    private let seconds: Double

    init(_ context: BenchContext) {
        measurements = context.measurements
        seconds = context.options.seconds
    }

    /// Until its task is cancelled; nothing where standard error is no terminal.
    func show() async {
        guard Terminal.hasStandardError else { return }
        var earlier = (received: 0, appended: 0)
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            let received = measurements.count(.received).all + measurements.count(.tokens).all
            let appended = measurements.count(.appended).all
            let opened = measurements.count(.opened).all
            let errors = measurements.errors.values.reduce(0, +)
            let state = measurements.elapsed.map { time in
                time < 0 ? "warming up" : "\(Int(min(time, seconds))) s measured"
            }
            Terminal.progress(
                "\(state ?? "opening"): \(opened) responses begun, \(received - earlier.received) events/s read, "
                    + "\(appended - earlier.appended) events/s appended, \(errors) errors"
            )
            earlier = (received, appended)
        }
    }
}
