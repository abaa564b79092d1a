#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What every Prometheus client tells of its process, by the names that dashboards know.
struct ProcessMetrics {
    var startedSeconds: Double

    var families: [MetricFamily] {
        [
            gauge("process_start_time_seconds", "When the server started, in seconds since 1970", startedSeconds),
            MetricFamily(
                "process_cpu_seconds_total",
                .counter,
                "Seconds of processor time, of the user and of the system",
                [.init(cpuSeconds)]
            ),
            gauge("process_max_resident_memory_bytes", "The most memory it has held", mostMemory),
        ]
    }

    private func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        MetricFamily(name, .gauge, help, [.init(value)])
    }

    private var usage: rusage {
        var usage = rusage()
        #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        #else
        getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
        #endif
        return usage
    }

    private var cpuSeconds: Double {
        let usage = usage
        return Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
    }

    private var mostMemory: Double {
        #if canImport(Darwin)
        Double(usage.ru_maxrss)
        #else
        Double(usage.ru_maxrss) * 1024
        #endif
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
