/// Texts that are JSON, and a way to make more.
enum Documents {
    static let all = [
        "null", "true", "false", " true ", "0", "-0", "-12.50e+3", "123 ", #""""#, #""Hello""#, "[]", "{}", "[[]]",
        "[1, 22,333 ]", "[true,false,null]", "[[1],[],[[2]]]", #"{"a":1}"#, #" { "a" : [ 1 , { "b" : null } ] } "#,
        #"{"":"","a":{"":{}}}"#, #"["é","東京","👩‍👩‍👧","e\#u{301}"]"#, #"["\"\\\/\b\f\n\r\t\u0000\u001f"]"#,
        #"["\u00e9\uD83d\uDE00!","\ud83d\ude00"]"#, #"{"k\u00e9y":"x","ké\n":[0.5,-1E-7]}"#,
        #"{"name":"get_weather","arguments":{"city":"Z\u00fcrich","days":3,"units":["C"],"exact":true}}"#,
        "\n[\t1\r,\"two\" , {\"three\":3.0}]\n", "[9007199254740993,1e300,0.1000000000000000055]",
    ]

    /// A value of up to about so many others, written with blanks here and there.
    static func random(size: Int, using generator: inout SeededGenerator) -> String {
        let blank = ["", "", "", " ", "\n", "\t "].randomElement(using: &generator) ?? ""
        let count = Int.random(in: 0...4, using: &generator)
        let value =
            switch size < 2 ? Int.random(in: 2...5, using: &generator) : Int.random(in: 0...1, using: &generator) {
            case 0:
                "["
                    + (0..<count).map { _ in random(size: size / (count + 1), using: &generator) }
                    .joined(separator: ",") + blank + "]"
            case 1:
                "{"
                    + (0..<count).map {
                        let key = string(using: &generator).dropLast() + "\($0)\""
                        return key + blank + ":" + random(size: size / (count + 1), using: &generator)
                    }.joined(separator: blank + ",") + blank + "}"
            case 2: number(using: &generator)
            case 3: ["true", "false", "null"].randomElement(using: &generator) ?? ""
            default: string(using: &generator)
            }
        return blank + value + blank
    }

    private static func string(using generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "Zürich", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude00", "東", "😀", "e\u{301}", " ", "\\\\", "{", "]", ",",
            ":",
        ]
        let count = Int.random(in: 0...6, using: &generator)
        return "\"" + (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }.joined() + "\""
    }

    private static func number(using generator: inout SeededGenerator) -> String {
        let sign = Bool.random(using: &generator) ? "-" : ""
        let fraction = Bool.random(using: &generator) ? ".\(Int.random(in: 0...99, using: &generator))" : ""
        let exponent = ["", "", "e5", "E-3", "e+02"].randomElement(using: &generator) ?? ""
        return sign + "\(Int.random(in: 0...9999, using: &generator))" + fraction + exponent
    }
}
