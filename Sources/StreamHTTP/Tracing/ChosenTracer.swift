package import Tracing

extension InstrumentationSystem {
    /// The tracer that the program has bootstrapped; nil where it has none, so that a request without traces costs one
    /// look at an optional.
    package static var chosenTracer: (any Tracer)? {
        let tracer = tracer
        return tracer is NoOpTracer ? nil : tracer
    }
}
