//! Shows findings to people: with the lines of the file, underlined.

use std::fmt::{self, Write as _};
use std::io::IsTerminal;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::{Diagnostics, Finding, Severity, Source};

/// How findings look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Colours and lines, for a terminal.
    Fancy,
    /// ASCII without colours, for logs and for `NO_COLOR`.
    Plain,
}

impl Style {
    /// Fancy when standard error is a terminal and `NO_COLOR` is not set.
    #[must_use]
    pub fn for_stderr() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "colours are no policy: NO_COLOR is how a terminal is asked"
        )]
        let colourless = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stderr().is_terminal() && !colourless {
            Self::Fancy
        } else {
            Self::Plain
        }
    }

    fn handler(self) -> GraphicalReportHandler {
        let theme = match self {
            Self::Fancy => GraphicalTheme::unicode(),
            Self::Plain => GraphicalTheme {
                characters: ThemeCharacters::ascii(),
                styles: ThemeStyles::none(),
            },
        };
        GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(100)
    }
}

impl Diagnostics {
    /// Every finding with its lines, underlined, and how to mend it.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let handler = style.handler();
        let mut text = String::new();
        for finding in self.findings() {
            let shown = Shown {
                finding,
                source: Lines(self.source()),
            };
            // Rendering can only fail on a span outside the text; the plain line says as much as is left.
            if handler.render_report(&mut text, &shown).is_err() {
                let _ = writeln!(text, "{}[{}]: {}", finding.severity, finding.code, finding.message);
            }
            text.push('\n');
        }
        text
    }
}

/// One finding in miette's terms.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    source: Lines<'a>,
}

/// The file's lines, in excerpts.
#[derive(Debug)]
struct Lines<'a>(&'a Source);

impl SourceCode for Lines<'_> {
    /// miette counts the lines of an excerpt from the start of the file, and then takes excerpts that are far apart for
    /// one; counted from the excerpt's own start, only near ones are joined.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.0.text().read_span(span, lines_before, lines_after)?;
        let lines = read.data().iter().filter(|byte| **byte == b'\n').count();
        let name = self.0.name().to_owned();
        let (line, column) = (read.line(), read.column());
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            read.data(),
            *read.span(),
            line,
            column,
            lines,
        )))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{}[{}]", self.finding.severity, self.finding.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Note => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.finding.labels.is_empty()).then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.finding.labels.iter().enumerate().map(
            |(index, label)| {
                let span = label.span.clone();
                if index == 0 {
                    LabeledSpan::new_primary_with_span(label.text.clone(), span)
                } else {
                    LabeledSpan::new_with_span(label.text.clone(), span)
                }
            },
        )))
    }
}

/// So that a caller that ends in `miette::Result` shows every finding.
impl Diagnostic for Diagnostics {}
