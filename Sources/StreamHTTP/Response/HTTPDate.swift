import StreamCore

/// Dates as HTTP writes them (RFC 9110, section 5.6.7), such as `Sun, 06 Nov 1994 08:49:37 GMT`.
@available(freshet 0.1, *)
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    package static func text(secondsSince1970 seconds: UInt64) -> String {
        let dayNumber = Int(seconds / 86400)
        let rest = Int(seconds % 86400)
        let (year, month, day) = civilDate(dayNumber)
        return "\(days[dayNumber % 7]), \(two(day)) \(months[month - 1]) \(year) "
            + "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
    }

    /// Year, month and day of a number of days since 1970, in the Gregorian calendar counted in eras of 400 years.
    package static func civilDate(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468  // days from 1 March of year 0 to 1970
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// The inverse of `civilDate`.
    package static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Seconds since 1970, from each of the three forms that RFC 9110 wants to be read; nil for what is none of them, or
    /// lies before 1970. Two digits of a year are from 1970 to 2069. The day of the week is not looked at.
    package static func secondsSince1970(_ text: String) -> UInt64? {
        var parts = text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "-") }
        guard parts.count == 5 || parts.count == 6 else { return nil }
        if parts.count == 5 {
            // Sun Nov  6 08:49:37 1994. The others are Sunday, 06-Nov-94 08:49:37 GMT and Sun, 06 Nov 1994 08:49:37 GMT.
            parts = [parts[0], parts[2], parts[1], parts[4], parts[3]]
        } else if !parts[5].elementsEqual("GMT".utf8) {
            return nil
        }
        let clock = parts[4].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let month = months.firstIndex(where: { parts[2].elementsEqual($0.utf8) }), clock.count == 3,
            let day = number(parts[1], 1...2), let digits = number(parts[3], 2...4), parts[3].count != 3,
            let hour = number(clock[0], 2...2), let minute = number(clock[1], 2...2),
            let second = number(clock[2], 2...2), 1...31 ~= day, hour < 24, minute < 60, second <= 60
        else { return nil }
        let year = parts[3].count == 4 ? digits : digits < 70 ? 2000 + digits : 1900 + digits
        let days = daysSince1970(year, month + 1, day)
        return days < 0 ? nil : UInt64(days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    private static func number(_ digits: Substring.UTF8View, _ length: ClosedRange<Int>) -> Int? {
        guard length ~= digits.count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
