extension UnsafeRawBufferPointer {
    /// Returns where the value starts if the line is a field of this name: after the colon and at most one space, or
    /// at the line's end if it has no colon. Names are compared byte by byte: case matters, nothing is trimmed.
    @inline(__always)
    func valueStart(ofField name: StaticString) -> Int? {
        let length = name.utf8CodeUnitCount
        guard count >= length else { return nil }
        for index in 0..<length where self[index] != name.utf8Start[index] {
            return nil
        }
        guard count > length else { return length }
        guard self[length] == ASCII.colon else { return nil }
        let start = length + 1
        return start < count && self[start] == ASCII.space ? start + 1 : start
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// The number that these bytes write in ASCII digits, at least one and nothing else; nil if they do not, or if it
    /// does not fit. (`Int("+5")` would be 5.)
    var decimalNumber: Int? {
        guard !isEmpty else { return nil }
        var number = 0
        for byte in self {
            guard (ASCII.zero...ASCII.nine).contains(byte) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(byte - ASCII.zero))
            guard !overflow, !carry else { return nil }
            number = sum
        }
        return number
    }
}
