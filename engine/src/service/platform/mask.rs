//! Takes secrets out of what is shown of a platform file that is refused.
//!
//! A file with a password in an address is refused, and the line is shown, underlined. So the password is replaced in
//! the text that is shown, byte by byte, and every underline stays where it is.

use understudy_policies::source::{Diagnostics, Finding, Label, Source};

/// The same findings, with every password masked.
pub(super) fn secrets(found: &Diagnostics) -> Diagnostics {
    let source = Source::new(found.source().name(), &masked(found.source().text()));
    let findings = found.findings().iter().map(|finding| Finding {
        message: masked(&finding.message),
        help: finding.help.as_deref().map(masked),
        labels: finding
            .labels
            .iter()
            .map(|label| Label {
                text: label.text.as_deref().map(masked),
                span: label.span.clone(),
            })
            .collect(),
        ..finding.clone()
    });
    Diagnostics::new(source, findings.collect())
}

/// A text in which each password of an address is as many asterisks as it has bytes.
fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    let mut bytes = line.as_bytes().to_vec();
    let mut rest = 0;
    while let Some(found) = line[rest..].find("://") {
        let begin = rest + found + 3;
        // An address ends with its quotation mark. What stands in it may be malformed, so nothing else ends it.
        let end = line[begin..]
            .find(['"', '\'', '`', ' '])
            .map_or(line.len(), |end| begin + end);
        let address = &line[begin..end];
        if let Some(at) = address.rfind('@')
            && let Some(colon) = address[..at].find(':')
        {
            bytes[begin + colon + 1..begin + at].fill(b'*');
        }
        for key in ["password=", "sslpassword=", "token="] {
            if let Some(value) = address.find(key).map(|found| begin + found + key.len()) {
                let until = line[value..end].find('&').map_or(end, |end| value + end);
                bytes[value..until].fill(b'*');
            }
        }
        rest = end;
    }
    // Whole runs between characters of ASCII are replaced, so this stays UTF-8.
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use understudy_policies::source::Style;

    use super::*;

    #[test]
    fn only_the_password_is_masked_and_nothing_moves() {
        for (text, shown) in [
            (
                "a = \"postgresql://u:geheim@h:1/d\"\n",
                "a = \"postgresql://u:******@h:1/d\"\n",
            ),
            ("\"postgresql://u:p@ss:w/rd@h\"", "\"postgresql://u:*********@h\""),
            ("\"https://h:7443/x\" # u:p@h", "\"https://h:7443/x\" # u:p@h"),
            ("'x://u@h' 'y://u:é@h'", "'x://u@h' 'y://u:**@h'"),
            (
                "\"postgresql://u@h/d?password=geheim&x=1\"",
                "\"postgresql://u@h/d?password=******&x=1\"",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn a_secret_is_in_nothing_that_is_shown() {
        for line in [
            "database = \"postgresql://understudy:geheim@db:5432/orders\"",
            "database = \"postgresqk://understudy:geheim@db:5432/orders\"",
            "database = \"postgresql://understudy:ge/heim-geheim@db\"",
            "database = \"postgresql://understudy@db/orders?password=geheim\"",
            "health = \"https://understudy:geheim@api\"",
        ] {
            let text = format!("version = 1\nenvironment = \"dev1\"\n[primary]\n{line}\n[standby]\n");
            let found = super::super::read(&Source::new("platform.toml", &text)).unwrap_err();
            let json = serde_json::to_string(&found).unwrap();
            let shown = format!("{} {} {json}", found.render(Style::Fancy), found.render(Style::Plain));
            assert!(!shown.contains("geheim"), "{line}: {shown}");
        }
    }
}
