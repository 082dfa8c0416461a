//! Lines, colours and figures.

use std::fmt::Write as _;

use super::Look;

/// A colour or weight. Without colours, words and marks say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Normal,
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
    Calm,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[1;31m",
            Self::Warn => "\x1b[33m",
            Self::Calm => "\x1b[36m",
        }
    }
}

/// What is being written, line by line.
#[derive(Debug)]
pub(super) struct Paper {
    look: Look,
    text: String,
}

impl Paper {
    pub(super) fn new(look: Look) -> Self {
        let width = look.width.clamp(40, 160);
        Self {
            look: Look { width, ..look },
            text: String::new(),
        }
    }

    pub(super) const fn width(&self) -> usize {
        self.look.width
    }

    pub(super) const fn fancy(&self) -> bool {
        self.look.fancy
    }

    /// The text in its ink.
    pub(super) fn inked(&self, ink: Ink, text: &str) -> String {
        if self.look.fancy && ink != Ink::Normal && !text.trim().is_empty() {
            format!("{}{text}\x1b[0m", ink.code())
        } else {
            text.to_owned()
        }
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// An empty line, and a heading.
    pub(super) fn heading(&mut self, heading: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.inked(Ink::Bold, heading);
        self.line(&heading);
    }

    /// Wrapped text, every line indented.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str) {
        self.hanging(&" ".repeat(indent), indent, Ink::Normal, text);
    }

    /// Wrapped text: the first line begins with `first`, which takes `indent` columns, the others are indented.
    pub(super) fn hanging(&mut self, first: &str, indent: usize, ink: Ink, text: &str) {
        let room = self.look.width.saturating_sub(indent).max(16);
        for (number, line) in wrap(text, room).iter().enumerate() {
            let line = self.inked(ink, line);
            if number == 0 {
                self.line(&format!("{first}{line}"));
            } else {
                self.line(&format!("{}{line}", " ".repeat(indent)));
            }
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Breaks between words, never between a figure and its unit. A word that is too long gets a line of its own.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let needed = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && needed > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let unit = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        match words.last_mut() {
            Some(figure)
                if matches!(unit, "s" | "min" | "h" | "%") && figure.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                figure.push(' ');
                figure.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// A moment counted from the onset: `+00:05.312`, from an hour on `+1:19:21`.
pub(crate) fn moment(seconds: f64) -> String {
    let sign = if seconds < 0.0 { '-' } else { '+' };
    let millis = millis(seconds);
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1_000 % 60, millis % 1_000);
    if hours == 0 {
        format!("{sign}{minutes:02}:{seconds:02}.{millis:03}")
    } else {
        format!("{sign}{hours}:{minutes:02}:{seconds:02}")
    }
}

/// A time span: `41.3 s`, `3 min 51 s`, `5 h 12 min`.
pub(crate) fn span(seconds: f64) -> String {
    let whole = (millis(seconds) + 500) / 1_000;
    match (whole / 3_600, whole / 60 % 60, whole % 60) {
        _ if seconds.abs() < 99.95 => format!("{seconds:.1} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `60 s`, `60.5 s`.
pub(super) fn budget(seconds: f64) -> String {
    format!("{seconds} s")
}

/// `1 fault`, `2 faults`.
pub(super) fn plural(number: usize, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {what}{ending}", count(number as u64))
}

/// `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A date and a time in UTC.
pub(crate) fn wall_clock(unix_millis: i64) -> String {
    let mut text = String::new();
    match jiff::Timestamp::from_millisecond(unix_millis) {
        Ok(moment) => {
            let _ = write!(text, "{}", moment.strftime("%Y-%m-%d %H:%M:%S UTC"));
        }
        Err(_) => text.push_str("outside the calendar"),
    }
    text
}

/// The time of day in UTC.
pub(super) fn time_of_day(unix_millis: i64) -> String {
    wall_clock(unix_millis).chars().skip(11).take(8).collect()
}

/// Whole milliseconds, without the sign.
pub(super) fn millis(seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded and not negative; a run lasts a week at most"
    )]
    let millis = (seconds.abs() * 1e3).round() as u64;
    millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_from_the_onset() {
        assert_eq!(moment(5.3123), "+00:05.312");
        assert_eq!(moment(-300.0), "-05:00.000");
        assert_eq!(moment(4_761.4), "+1:19:21");
        assert_eq!(moment(59.9999), "+01:00.000");
    }

    #[test]
    fn spans_get_coarser_as_they_grow() {
        assert_eq!(span(41.26), "41.3 s");
        assert_eq!(span(231.0), "3 min 51 s");
        assert_eq!(span(3_600.0), "1 h");
        assert_eq!(span(18_720.0), "5 h 12 min");
        assert_eq!(span(119.7), "2 min");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            [count(7), count(999), count(1_000), count(1_234_567)],
            ["7", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn wrapping_keeps_words_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrap("incomprehensibilities are long", 10),
            ["incomprehensibilities", "are long"]
        );
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(
            wrap("it took 3 s, then (95 %) more", 9),
            ["it took", "3 s, then", "(95 %)", "more"]
        );
    }
}
