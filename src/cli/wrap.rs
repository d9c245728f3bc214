//! Text for a terminal, broken into lines.

/// The longest line.
pub const WIDTH: usize = 100;
/// Stands for a space at which a line is not broken.
pub const JOINED: char = '\u{a0}';

/// Text broken between words, `first` before its first line and as much space before the others.
pub fn wrapped(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let (mut line, mut length) = (first.to_string(), indent);
    let mut lines = String::new();
    let mut end = |line: &str| {
        lines.push_str(line.trim_end());
        lines.push('\n');
    };
    for word in text.split(' ') {
        let more = word.chars().count();
        if length > indent && length + 1 + more > WIDTH {
            end(&line);
            (line, length) = (" ".repeat(indent), indent);
        }
        if length > indent {
            line.push(' ');
            length += 1;
        }
        line.push_str(&word.replace(JOINED, " "));
        length += more;
    }
    end(&line);
    lines
}
