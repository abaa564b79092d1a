#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What every Prometheus client tells of its process, by the names that dashboards know.
@available(freshet 0.1, *)
package struct ProcessMetrics {
    var startedSeconds: Double

    var families: [MetricFamily] {
        [
            gauge("process_start_time_seconds", "When the server started, in seconds since 1970", startedSeconds),
            MetricFamily(
                "process_cpu_seconds_total",
                .counter,
                "Seconds of processor time, of the user and of the system",
                [.init(Self.cpuSeconds)]
            ),
            gauge("process_max_resident_memory_bytes", "The most memory it has held", mostMemory),
            MetricFamily(
                "process_resident_memory_bytes",
                .gauge,
                "Memory it holds",
                Self.residentBytes.map { [.init(Double($0))] } ?? []
            ),
        ]
    }

    private func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        MetricFamily(name, .gauge, help, [.init(value)])
    }

    private static var usage: rusage {
        var usage = rusage()
        #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        #else
        getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
        #endif
        return usage
    }

    /// Seconds of processor time that this process has taken, of the user and of the system.
    package static var cpuSeconds: Double {
        let usage = usage
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private var mostMemory: Double {
        #if canImport(Darwin)
        Double(Self.usage.ru_maxrss)
        #else
        Double(Self.usage.ru_maxrss) * 1024
        #endif
    }

    /// The memory that the process holds now; nil where the system does not say it in a file.
    static var residentBytes: Int? {
        #if os(Linux)
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let length = read(file, &text, text.count)
        guard length > 0 else { return nil }
        // The second number is what is resident, in pages.
        let fields = text[..<length].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return nil }
        return pages * sysconf(CInt(_SC_PAGESIZE))
        #else
        return nil
        #endif
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
