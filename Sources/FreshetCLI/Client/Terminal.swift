import ArgumentParser
import Foundation
import PrintableText

/// Standard error and standard output, each according to what it is connected to.
@available(freshet 0.1, *)
enum Terminal {
    static var hasStandardOutput: Bool { isatty(STDOUT_FILENO) == 1 }
    static var hasStandardError: Bool { isatty(STDERR_FILENO) == 1 }

    /// Columns of the terminal that standard output is; 100 where it is none.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
        return Int(size.ws_col)
    }

    /// One line for a person: what strangers said in it begins no other, which would pass for the program's own.
    static func note(_ line: String) {
        FileHandle.standardError.write(Data("freshet: \(PrintableText.escaped(line))\n".utf8))
    }

    /// What is wrong with the command line or a setting: several lines, in which an argument may be a stranger's text.
    static func refusal(_ lines: String) {
        FileHandle.standardError.write(Data("\(PrintableText.escaped(lines, keepsLines: true))\n".utf8))
    }

    /// A line that the next one overwrites, and an empty one takes away; nothing where standard error is not a
    /// terminal.
    static func progress(_ line: String) {
        guard hasStandardError else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(PrintableText.escaped(line))".utf8))
    }

    /// Writes all of it to standard output, waiting while nobody takes it: that is what slows the network down too.
    ///
    /// - Throws: The status to exit with when it cannot be written; any reason but that nobody reads it any more has
    ///   been told to the user.
    static func write(_ bytes: [UInt8]) throws(ExitCode) {
        let error = Descriptor.standardOutput.write(bytes)
        guard error != 0 else { return }
        guard error != EPIPE else { throw ExitStatus.brokenPipe.code }
        note("the output cannot be written: \(String(cString: strerror(error)))")
        throw ExitStatus.output.code
    }

    /// `1 234` bytes as people read them.
    static func size(_ bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["bytes", "KB", "MB", "GB"] {
            if value < 1000 || unit == "GB" {
                return unit == "bytes" ? "\(bytes) bytes" : "\(Double(Int(value * 10)) / 10) \(unit)"
            }
            value /= 1000
        }
        return "\(bytes) bytes"
    }
}
