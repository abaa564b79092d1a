package import Tracing

@available(freshet 0.1, *)
extension InstrumentationSystem {
    /// The tracer that the program has bootstrapped; nil where it has none, so that a request without traces costs one
    /// look at an optional.
    package static var chosenTracer: (any Tracer)? {
        let tracer = tracer
        return tracer is NoOpTracer ? nil : tracer
    }
}
